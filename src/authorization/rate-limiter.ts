import type { RateState } from '../contract/problem.ts';
import type { CredentialRecord } from './record.ts';
import type { CompiledRestrictions, Rate, RateBucket, RateLevel } from './restrictions.ts';
import { availableRequests, capacityOf, levelAfter, rateStateOf } from './use-limits.ts';

/** Requests of one credential that this node has accepted but not yet shared with the other nodes. */
export interface RateUses {
  readonly credentialId: string;
  /** The credential's rate as this node last read it. */
  readonly rate: Rate;
  readonly count: number;
}

/**
 * Updates the stored rate levels of credentials by the given requests, and returns the levels across all nodes by
 * credential ID. Credentials that do not exist or have another rate are missing from the result. Rejects with
 * `unavailable`.
 */
export type ShareRateUses = (uses: readonly RateUses[]) => Promise<ReadonlyMap<string, RateLevel>>;

export interface RateDecision {
  readonly accepted: boolean;
  readonly rate: RateState;
}

export interface RateLimiter {
  /**
   * Returns whether the rate of a credential allows one more request at `now` (epoch milliseconds), and if so counts
   * it. Synchronous and without I/O, unless earlier requests have waited to be shared for over a second: then shares
   * them first, and rejects with `unavailable` if that fails.
   */
  take(
    record: CredentialRecord,
    restrictions: CompiledRestrictions,
    rate: Rate,
    now: number,
  ): RateDecision | Promise<RateDecision>;
  /** Shares all requests that were accepted before the call. Rejects with the error of the store. */
  flush(): Promise<void>;
  /** Number of credentials with requests that are not yet shared. */
  size(): number;
}

/** The longest time for which a node accepts requests without sharing them. */
const MAX_UNSHARED_MS = 1_000;
const MAX_CREDENTIALS_PER_CHUNK = 500;

const isSameRate = (first: Rate, second: Rate): boolean =>
  first.requests === second.requests && first.seconds === second.seconds;

/**
 * Limits the rates of credentials with token buckets in memory, whose levels all nodes share through the store once a
 * second. Between two exchanges the nodes together may accept more than the bucket holds; its level is then below
 * empty, and no node accepts more until it is refilled. In any period, all nodes together therefore accept at most one
 * full bucket, its refill, and the requests that each node accepts within a second. A node starts with the level in the
 * store, so that a restart does not fill a bucket. The limiter keeps only buckets with requests that the store may not
 * have; all other buckets are kept by their cached records.
 */
export function createRateLimiter(share: ShareRateUses, clock: () => number): RateLimiter {
  const pendingBuckets = new Map<string, RateBucket>();
  /** When the oldest request that is not yet sent was accepted, in epoch milliseconds; null if there is none. */
  let unsentSince: number | null = null;
  /** When the oldest request that is being sent was accepted, in epoch milliseconds; null if there is none. */
  let sendingSince: number | null = null;
  let currentFlush: Promise<void> = Promise.resolve();
  let nextFlush: Promise<void> | null = null;

  /** Updates a bucket from a record that was read after the bucket was created. */
  function merge(bucket: RateBucket, rate: Rate, stored: RateLevel, now: number): void {
    if (isSameRate(bucket.rate, rate)) {
      const storedNow = levelAfter(rate, stored, 0, now);
      const bucketNow = levelAfter(rate, bucket.level, 0, now);
      bucket.level = storedNow.rateMissing > bucketNow.rateMissing ? storedNow : bucketNow;
    } else {
      // The rate was edited. After that, the bucket is empty at worst, never below empty.
      const { rateMissing, rateAt } = levelAfter(rate, stored, bucket.unsent + bucket.sent, now);
      bucket.level = { rateMissing: Math.min(rateMissing, capacityOf(rate)), rateAt };
    }
    bucket.rate = rate;
  }

  /** Returns the level of a record's bucket, or the stored level if there is no bucket for the rate yet. */
  function levelOf({ rateBucket, rateLevel }: CompiledRestrictions, rate: Rate): RateLevel {
    return rateBucket !== null && isSameRate(rateBucket.rate, rate) ? rateBucket.level : rateLevel;
  }

  function bucketOf(id: string, restrictions: CompiledRestrictions, rate: Rate, now: number): RateBucket {
    const recordBucket = restrictions.rateBucket;
    if (recordBucket?.isPending === true && recordBucket.rate === rate) return recordBucket;
    const pendingBucket = pendingBuckets.get(id);
    if (pendingBucket !== undefined) {
      if (pendingBucket.rate !== rate) merge(pendingBucket, rate, levelOf(restrictions, rate), now);
      restrictions.rateBucket = pendingBucket;
      return pendingBucket;
    }
    if (recordBucket !== null && recordBucket.rate === rate) return recordBucket;
    const bucket = { rate, level: levelOf(restrictions, rate), unsent: 0, sent: 0, isPending: false };
    restrictions.rateBucket = bucket;
    return bucket;
  }

  function takeNow(id: string, restrictions: CompiledRestrictions, rate: Rate, now: number): RateDecision {
    const bucket = bucketOf(id, restrictions, rate, now);
    const levelBefore = levelAfter(rate, bucket.level, 0, now);
    if (availableRequests(rate, levelBefore) === 0)
      return { accepted: false, rate: rateStateOf(rate, levelBefore, now) };
    bucket.level = levelAfter(rate, levelBefore, 1, now);
    bucket.unsent++;
    unsentSince ??= now;
    if (!bucket.isPending) {
      bucket.isPending = true;
      pendingBuckets.set(id, bucket);
    }
    return { accepted: true, rate: rateStateOf(rate, bucket.level, now) };
  }

  /** Whether earlier requests must be shared first. Uses `Math.abs` because the clock may have been set back. */
  function isOverdue(now: number): boolean {
    const since = sendingSince ?? unsentSince;
    return since !== null && Math.abs(now - since) > MAX_UNSHARED_MS;
  }

  /** Applies the level that the store returned, if any, and drops the bucket unless it has new requests. */
  function finishSending(id: string, bucket: RateBucket, level: RateLevel | undefined): void {
    if (level !== undefined) bucket.level = levelAfter(bucket.rate, level, bucket.unsent, clock());
    bucket.sent = 0;
    if (bucket.unsent > 0) return;
    bucket.isPending = false;
    pendingBuckets.delete(id);
  }

  async function send(): Promise<void> {
    const batch = [...pendingBuckets];
    if (batch.length === 0) return;
    sendingSince = unsentSince;
    unsentSince = null;
    for (const [, bucket] of batch) {
      bucket.sent = bucket.unsent;
      bucket.unsent = 0;
    }
    try {
      for (let from = 0; from < batch.length; from += MAX_CREDENTIALS_PER_CHUNK) {
        const chunk = batch.slice(from, from + MAX_CREDENTIALS_PER_CHUNK);
        const uses = chunk.map(([credentialId, { rate, sent }]) => ({ credentialId, rate, count: sent }));
        const levels = await share(uses);
        for (const [index, [id, bucket]] of chunk.entries()) {
          finishSending(id, bucket, bucket.rate === uses[index]?.rate ? levels.get(id) : undefined);
        }
      }
    } catch (error) {
      // The requests are sent again. If only the response was lost, they count twice: too few are accepted, never too
      // many.
      for (const [, bucket] of batch) {
        bucket.unsent += bucket.sent;
        bucket.sent = 0;
      }
      unsentSince = sendingSince ?? unsentSince;
      throw error;
    } finally {
      sendingSince = null;
    }
  }

  function flush(): Promise<void> {
    nextFlush ??= currentFlush
      .catch(() => undefined)
      .then(() => {
        nextFlush = null;
        currentFlush = send();
        return currentFlush;
      });
    return nextFlush;
  }

  return {
    take({ id }, restrictions, rate, now) {
      if (!isOverdue(now)) return takeNow(id, restrictions, rate, now);
      return flush().then(() => takeNow(id, restrictions, rate, clock()));
    },
    flush,
    size: () => pendingBuckets.size,
  };
}
