import { Problem } from '../contract/problem.ts';
import { clientNetwork } from './client-network.ts';
import type { CredentialRecord } from './record.ts';
import type { RecordRegistry } from './registry.ts';
import type { Digest } from './secret.ts';

/** How many secrets that nobody has ever been given an address may present before its look-ups pause. */
export interface UnknownSecretLimits {
  readonly burst: number;
  readonly perSecond: number;
  /** Addresses kept at most; the one that was noted longest ago is forgotten first. */
  readonly addresses: number;
}

/** Counts secrets that were well-formed and unknown, in a leaky bucket per client address. */
export interface UnknownSecretLimiter {
  /** Throws `rate_limited` for an address that presented too many. */
  check(address: string, now: number): void;
  /** What an address presented was unknown. */
  recordUnknown(address: string, now: number): void;
  /** How often `check` has thrown. */
  refusalCount(): number;
}

export function createUnknownSecretLimiter({ burst, perSecond, addresses }: UnknownSecretLimits): UnknownSecretLimiter {
  const buckets = new Map<string, { level: number; at: number }>();
  let refusalCount = 0;

  function levelOf(network: string, now: number): number {
    const bucket = buckets.get(network);
    return bucket === undefined ? 0 : Math.max(0, bucket.level - (Math.max(0, now - bucket.at) * perSecond) / 1000);
  }

  return {
    check(address, now) {
      if (buckets.size === 0) return;
      const over = levelOf(clientNetwork(address), now) - burst;
      if (over < 0) return;
      refusalCount++;
      throw new Problem('rate_limited', 'Too many requests with unknown credentials from this address.', {
        retryAfter: Math.max(1, Math.ceil(over / perSecond)),
      });
    },
    recordUnknown(address, now) {
      const network = clientNetwork(address);
      const level = levelOf(network, now) + 1;
      buckets.delete(network);
      buckets.set(network, { level, at: now });
      if (buckets.size <= addresses) return;
      const [oldest] = buckets.keys();
      if (oldest !== undefined) buckets.delete(oldest);
    },
    refusalCount: () => refusalCount,
  };
}

/** The record of a digest that an address presents; null where there is none. */
export type FindRecord = (digest: Digest, address: string) => Promise<CredentialRecord | null>;

/**
 * Finds records so that a flood of secrets which are well-formed and unknown can't keep the store busy:
 * only those count, so nobody is held up for look-ups that found something, and what is in memory is
 * found from any address. Throws `rate_limited`, and what the registry throws.
 */
export function createFindRecord(
  registry: RecordRegistry,
  unknownSecrets: UnknownSecretLimiter,
  clock: () => number,
): FindRecord {
  return async (digest, address) => {
    if (!registry.isCached(digest)) unknownSecrets.check(address, clock());
    const record = await registry.find(digest);
    if (record === null) unknownSecrets.recordUnknown(address, clock());
    return record;
  };
}
