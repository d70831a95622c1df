import { DAY, SECOND } from '../contract/words.ts';
import { clientNetwork } from './client-network.ts';
import type { CredentialRecord } from './record.ts';

/** How long a client counts as trusted after it used the right pair of secret and passphrase (contract section 5). */
const TRUSTED_FOR = 30 * DAY;
/** How long it is remembered whether a client is trusted, so that locked tries cost no read each. */
const REMEMBERED_FOR = 10 * SECOND;
const REMEMBERED = 10_000;

/** The addresses from which a credential was used since an instant, as its own uses say and no guard reported. */
export type ReadUsedAddresses = (workspaceId: string, credentialId: string, since: number) => Promise<string[]>;

/** Clients that used the right pair of a credential lately: the failures of others do not lock them. */
export interface TrustedClients {
  /** Whether a client is trusted; null where that is not known. No I/O. */
  known(record: CredentialRecord, address: string, now: number): boolean | null;
  /** Asks the store where it is not known. */
  learn(record: CredentialRecord, address: string, now: number): Promise<void>;
}

export function createTrustedClients(read: ReadUsedAddresses): TrustedClients {
  const answers = new Map<string, { readonly trusted: boolean; readonly until: number }>();
  const keyOf = (record: CredentialRecord, address: string) => `${record.id} ${clientNetwork(address)}`;

  function known(record: CredentialRecord, address: string, now: number): boolean | null {
    if (answers.size === 0) return null;
    const answer = answers.get(keyOf(record, address));
    return answer === undefined || answer.until <= now ? null : answer.trusted;
  }

  return {
    known,
    async learn(record, address, now) {
      if (known(record, address, now) !== null) return;
      const addresses = await read(record.workspace.id, record.id, now - TRUSTED_FOR);
      const trusted = addresses.some((one) => clientNetwork(one) === clientNetwork(address));
      const key = keyOf(record, address);
      answers.delete(key);
      answers.set(key, { trusted, until: now + REMEMBERED_FOR });
      const [oldest] = answers.keys();
      if (answers.size > REMEMBERED && oldest !== undefined) answers.delete(oldest);
    },
  };
}
