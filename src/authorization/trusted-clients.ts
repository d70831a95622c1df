import { DAY, SECOND } from '../contract/limits.ts';
import { clientNetwork } from './client-network.ts';
import type { CredentialRecord } from './record.ts';

/** How long a client is trusted after it used a correct pair of secret and passphrase. */
const TRUST_MS = 30 * DAY;
/** How long an answer is cached, so that not every limited attempt costs a read. */
const CACHE_MS = 10 * SECOND;
const MAX_CACHED_CLIENTS = 10_000;

/**
 * Returns the addresses from which a credential was used since `since` (epoch milliseconds), except uses reported by
 * guards.
 */
export type ReadUsedAddresses = (workspaceId: string, credentialId: string, since: number) => Promise<string[]>;

/**
 * Clients that recently used a correct pair of secret and passphrase. Failures of other clients do not lock them out.
 */
export interface TrustedClients {
  /** Returns whether a client is trusted, null if the answer is not cached. No I/O. */
  isTrusted(record: CredentialRecord, address: string, now: number): boolean | null;
  /** Reads from the store whether a client is trusted, unless the answer is cached. */
  load(record: CredentialRecord, address: string, now: number): Promise<void>;
}

export function createTrustedClients(readUsedAddresses: ReadUsedAddresses): TrustedClients {
  const cache = new Map<string, { readonly trusted: boolean; readonly until: number }>();
  const keyOf = (record: CredentialRecord, address: string) => `${record.id} ${clientNetwork(address)}`;

  function isTrusted(record: CredentialRecord, address: string, now: number): boolean | null {
    if (cache.size === 0) return null;
    const cached = cache.get(keyOf(record, address));
    return cached === undefined || cached.until <= now ? null : cached.trusted;
  }

  return {
    isTrusted,
    async load(record, address, now) {
      if (isTrusted(record, address, now) !== null) return;
      const addresses = await readUsedAddresses(record.workspace.id, record.id, now - TRUST_MS);
      const trusted = addresses.some((usedAddress) => clientNetwork(usedAddress) === clientNetwork(address));
      const key = keyOf(record, address);
      cache.delete(key);
      cache.set(key, { trusted, until: now + CACHE_MS });
      const [oldest] = cache.keys();
      if (cache.size > MAX_CACHED_CLIENTS && oldest !== undefined) cache.delete(oldest);
    },
  };
}
