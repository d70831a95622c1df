import type { RateState } from '../contract/problem.ts';
import type { CredentialRecord } from './record.ts';
import type { CompiledRestrictions, Rate, RateBucket, RateLevel } from './restrictions.ts';
import { availableAt, capacityOf, levelAfter, rateStateOf } from './use-limits.ts';

/** Requests of one credential that this node has accepted and that are not known to the other nodes yet. */
export interface RateUses {
  readonly credentialId: string;
  /** The rate that applied when they were accepted. */
  readonly rate: Rate;
  readonly count: number;
}

/**
 * Adds requests to the levels of credentials in the store, and returns the levels over all nodes by credential id.
 * Credentials that do not exist or have another rate are missing from the result. Rejects with `unavailable`.
 */
export type ShareRateUses = (uses: readonly RateUses[]) => Promise<ReadonlyMap<string, RateLevel>>;

export interface RateDecision {
  readonly accepted: boolean;
  readonly rate: RateState;
}

export interface RateLimiter {
  /**
   * Takes one request of a credential with a rate at `now` (epoch milliseconds). Synchronous and without I/O, unless
   * earlier requests have not been shared for longer than a second: then it waits until they are, and rejects with
   * `unavailable` if that fails.
   */
  take(
    record: CredentialRecord,
    restrictions: CompiledRestrictions,
    rate: Rate,
    now: number,
  ): RateDecision | Promise<RateDecision>;
  /** Shares all requests that were accepted before the call. Rejects with the error of the store. */
  flush(): Promise<void>;
  /** Number of credentials with requests that are not shared yet. */
  size(): number;
}

/** The longest time for which a node accepts requests without sharing them, milliseconds. */
const MAX_UNSHARED_MS = 1_000;
const MAX_CREDENTIALS_PER_CHUNK = 500;

const isSameRate = (first: Rate, second: Rate): boolean =>
  first.requests === second.requests && first.seconds === second.seconds;

/**
 * Limits the rates of credentials: token buckets in memory, whose levels all nodes share through the store once a
 * second. Excess requests accepted in the meantime bring the shared bucket below empty, and must be refilled before any
 * node accepts more. In any period, all nodes together therefore accept at most one full bucket, its refill, and the
 * requests that each node accepts within a second. A node starts with the level in the store, so that a restart does
 * not fill a bucket. Only buckets with requests that are not shared yet are stored here; all others belong to their
 * cached records.
 */
export function createRateLimiter(share: ShareRateUses, clock: () => number): RateLimiter {
  const buckets = new Map<string, RateBucket>();
  /** When the oldest request that is not shared yet was accepted, in epoch milliseconds; null if there is none. */
  let unsentSince: number | null = null;
  let sentSince: number | null = null;
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;

  /** Brings a bucket in line with a record that was read after the bucket was created. */
  function merge(bucket: RateBucket, rate: Rate, stored: RateLevel, now: number): void {
    if (isSameRate(bucket.rate, rate)) {
      const known = levelAfter(rate, stored, 0, now);
      const own = levelAfter(rate, bucket.level, 0, now);
      bucket.level = known.rateMissing > own.rateMissing ? known : own;
    } else {
      // After an edit, the level is not below empty.
      const { rateMissing, rateAt } = levelAfter(rate, stored, bucket.unsent + bucket.sent, now);
      bucket.level = { rateMissing: Math.min(rateMissing, capacityOf(rate)), rateAt };
    }
    bucket.rate = rate;
  }

  /** Returns the level of a record's bucket, or the stored level if its rate has no bucket yet. */
  function levelOf({ rateBucket, rateLevel }: CompiledRestrictions, rate: Rate): RateLevel {
    return rateBucket !== null && isSameRate(rateBucket.rate, rate) ? rateBucket.level : rateLevel;
  }

  function bucketOf(id: string, restrictions: CompiledRestrictions, rate: Rate, now: number): RateBucket {
    const own = restrictions.rateBucket;
    if (own?.isShared === true && own.rate === rate) return own;
    const shared = buckets.get(id);
    if (shared !== undefined) {
      if (shared.rate !== rate) merge(shared, rate, levelOf(restrictions, rate), now);
      restrictions.rateBucket = shared;
      return shared;
    }
    if (own !== null && own.rate === rate) return own;
    const bucket = { rate, level: levelOf(restrictions, rate), unsent: 0, sent: 0, isShared: false };
    restrictions.rateBucket = bucket;
    return bucket;
  }

  function takeNow(id: string, restrictions: CompiledRestrictions, rate: Rate, now: number): RateDecision {
    const bucket = bucketOf(id, restrictions, rate, now);
    const before = levelAfter(rate, bucket.level, 0, now);
    if (availableAt(rate, before) === 0) return { accepted: false, rate: rateStateOf(rate, before, now) };
    bucket.level = levelAfter(rate, before, 1, now);
    bucket.unsent++;
    unsentSince ??= now;
    if (!bucket.isShared) {
      bucket.isShared = true;
      buckets.set(id, bucket);
    }
    return { accepted: true, rate: rateStateOf(rate, bucket.level, now) };
  }

  /** Whether earlier requests must be shared first. `Math.abs`, because the clock may have been set back. */
  function isOverdue(now: number): boolean {
    const since = sentSince ?? unsentSince;
    return since !== null && Math.abs(now - since) > MAX_UNSHARED_MS;
  }

  function settle(id: string, bucket: RateBucket, level: RateLevel | undefined): void {
    if (level !== undefined) bucket.level = levelAfter(bucket.rate, level, bucket.unsent, clock());
    bucket.sent = 0;
    if (bucket.unsent > 0) return;
    bucket.isShared = false;
    buckets.delete(id);
  }

  async function send(): Promise<void> {
    const batch = [...buckets];
    if (batch.length === 0) return;
    sentSince = unsentSince;
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
          settle(id, bucket, bucket.rate === uses[index]?.rate ? levels.get(id) : undefined);
        }
      }
    } catch (error) {
      // If only the response was lost, the requests are added twice, so that still no more than the rate is accepted.
      for (const [, bucket] of batch) {
        bucket.unsent += bucket.sent;
        bucket.sent = 0;
      }
      unsentSince = sentSince ?? unsentSince;
      throw error;
    } finally {
      sentSince = null;
    }
  }

  function flush(): Promise<void> {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = null;
        running = send();
        return running;
      });
    return next;
  }

  return {
    take({ id }, restrictions, rate, now) {
      if (!isOverdue(now)) return takeNow(id, restrictions, rate, now);
      return flush().then(() => takeNow(id, restrictions, rate, clock()));
    },
    flush,
    size: () => buckets.size,
  };
}
