import type { RateState } from '../contract/problem.ts';

/** How often a credential may be used, and how often it was. */
export interface UseLimits {
  readonly rate: { readonly requests: number; readonly seconds: number } | null;
  /** What is missing in the token bucket of the rate, at `rateAt`: `seconds` times 1,000 per request. */
  readonly rateMissing: number;
  /** Epoch milliseconds. */
  readonly rateAt: number;
  readonly maxUses: number | null;
  readonly spentUses: number;
}

/** Uses that were taken together. */
export interface TakenUses {
  /** How many of the wanted uses were taken. */
  readonly granted: number;
  /** Why the others were not. */
  readonly refusal: 'credential_spent' | 'rate_exceeded';
  /** Whether no use is left. */
  readonly spent: boolean;
  readonly rate: RateState | null;
  readonly limits: UseLimits;
}

/** No two nodes that are ready have clocks this far apart; milliseconds. */
const MAX_CLOCK_DIFFERENCE_MS = 10_000;

/**
 * Takes up to `wanted` uses at `now` (epoch milliseconds), as far as both limits allow. The rate is a token bucket that
 * holds `requests` and is filled in `seconds`. Exact, because everything is a safe integer. Pure.
 */
export function takeUses(limits: UseLimits, wanted: number, now: number): TakenUses {
  const { rate, maxUses, spentUses } = limits;
  const left = maxUses === null ? Number.POSITIVE_INFINITY : Math.max(0, maxUses - spentUses);
  const bucket = rate === null ? null : bucketAt(rate, limits, Math.floor(now));
  const granted = Math.min(wanted, left, bucket?.available ?? Number.POSITIVE_INFINITY);
  const after = bucket?.take(granted);
  return {
    granted,
    refusal: left === granted ? 'credential_spent' : 'rate_exceeded',
    spent: left === granted,
    rate: after?.state ?? null,
    limits: { ...limits, ...after?.level, spentUses: maxUses === null ? spentUses : spentUses + granted },
  };
}

function bucketAt(rate: NonNullable<UseLimits['rate']>, { rateMissing, rateAt }: UseLimits, now: number) {
  const { requests, seconds } = rate;
  const perRequest = seconds * 1000;
  const capacity = requests * perRequest;
  // Another node's clock may be ahead; time that it has counted is not counted again. A clock may also be set back.
  const at = rateAt > now + MAX_CLOCK_DIFFERENCE_MS ? now : Math.max(rateAt, now);
  // After an edit, a bucket is empty at most. The minimum keeps the product of a long time small.
  const added = Math.min(Math.max(at - rateAt, 0), perRequest) * requests;
  const missing = Math.max(Math.min(rateMissing, capacity) - added, 0);
  return {
    available: Math.floor((capacity - missing) / perRequest),
    take(count: number) {
      const missingAfter = missing + count * perRequest;
      const remaining = Math.floor((capacity - missingAfter) / perRequest);
      const lacking = remaining === requests ? 0 : (remaining + 1) * perRequest - (capacity - missingAfter);
      return {
        level: { rateMissing: missingAfter, rateAt: at },
        state: { ...rate, remaining, waitMs: Math.ceil(lacking / requests) + at - now },
      };
    },
  };
}
