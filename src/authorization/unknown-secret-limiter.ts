import { Problem } from '../contract/problem.ts';
import { clientNetwork } from './client-network.ts';
import type { CredentialRecord } from './record.ts';
import type { RecordRegistry } from './registry.ts';
import type { Digest } from './secret.ts';

/** Limits on well-formed but unknown secrets, per client network. */
export interface UnknownSecretLimits {
  readonly burst: number;
  readonly perSecond: number;
  /** Maximum number of tracked networks. Beyond it, the network whose last unknown secret is oldest is dropped. */
  readonly addresses: number;
}

/** Counts well-formed but unknown secrets, in a leaky bucket per client network. */
export interface UnknownSecretLimiter {
  /** Throws `rate_limited`, with `retryAfter` in seconds, if the network has presented too many. */
  check(address: string, now: number): void;
  recordUnknown(address: string, now: number): void;
  /** Number of times `check` has thrown. */
  refusalCount(): number;
}

export function createUnknownSecretLimiter(
  { burst, perSecond, addresses }: UnknownSecretLimits,
  message = 'Too many requests with unknown credentials from this address.',
): UnknownSecretLimiter {
  const buckets = new Map<string, { level: number; updatedAt: number }>();
  let refusalCount = 0;

  function levelOf(network: string, now: number): number {
    const bucket = buckets.get(network);
    return bucket === undefined
      ? 0
      : Math.max(0, bucket.level - (Math.max(0, now - bucket.updatedAt) * perSecond) / 1000);
  }

  return {
    check(address, now) {
      if (buckets.size === 0) return;
      const excess = levelOf(clientNetwork(address), now) - burst;
      if (excess < 0) return;
      refusalCount++;
      throw new Problem('rate_limited', message, {
        retryAfter: Math.max(1, Math.ceil(excess / perSecond)),
      });
    },
    recordUnknown(address, now) {
      const network = clientNetwork(address);
      const level = levelOf(network, now) + 1;
      buckets.delete(network);
      buckets.set(network, { level, updatedAt: now });
      if (buckets.size <= addresses) return;
      const [oldest] = buckets.keys();
      if (oldest !== undefined) buckets.delete(oldest);
    },
    refusalCount: () => refusalCount,
  };
}

/** Resolves to the record of a digest presented from `address`, null if the digest is unknown. */
export type FindRecord = (digest: Digest, address: string) => Promise<CredentialRecord | null>;

/**
 * Finds records without letting a flood of well-formed but unknown secrets overload the store. Only unknown secrets
 * count, and cached records are found even from an address that is over the limit. The returned function rejects with
 * `rate_limited`, and with the errors of `registry.find`.
 */
export function createFindRecord(
  registry: RecordRegistry,
  unknownSecrets: UnknownSecretLimiter,
  clock: () => number,
  /** Called when a digest was looked up without a result. Must not throw. */
  onUnknown: (digest: Digest, address: string) => void = () => undefined,
): FindRecord {
  return async (digest, address) => {
    if (!registry.isCached(digest)) unknownSecrets.check(address, clock());
    const record = await registry.find(digest);
    if (record === null) {
      unknownSecrets.recordUnknown(address, clock());
      onUnknown(digest, address);
    }
    return record;
  };
}
