import type { LeakyBucketLimiter } from './leaky-bucket-limiter.ts';
import type { CredentialRecord } from './record.ts';
import type { RecordRegistry } from './registry.ts';
import type { Digest } from './secret.ts';

/**
 * Resolves to the record of the credential whose secret has this digest; null if there is none. `address` is the
 * client's.
 */
export type FindRecord = (digest: Digest, address: string) => Promise<CredentialRecord | null>;

/**
 * Finds records without letting a flood of well-formed but unknown secrets overload the store. Only unknown secrets
 * count, and cached records are found even from an address that is over the limit. The returned function rejects with
 * `rate_limited`, and with the errors of `registry.find`.
 */
export function createFindRecord(
  registry: RecordRegistry,
  unknownSecretLimiter: LeakyBucketLimiter,
  clock: () => number,
  /** Called when a digest was looked up without a result. Must not throw. */
  onUnknown: (digest: Digest, address: string) => void = () => undefined,
): FindRecord {
  return async (digest, address) => {
    if (!registry.isCached(digest)) unknownSecretLimiter.check(address, clock());
    const record = await registry.find(digest);
    if (record === null) {
      unknownSecretLimiter.count(address, clock());
      onUnknown(digest, address);
    }
    return record;
  };
}
