import type { RateState } from '../contract/problem.ts';
import type { Rate, RateLevel } from './restrictions.ts';

/** How often a credential may be used, and how often it has been used. */
export interface UseLimits extends RateLevel {
  readonly rate: Rate | null;
  readonly maxUses: number | null;
  readonly spentUses: number;
}

/** Uses that were taken together. */
export interface TakenUses {
  /** How many of the wanted uses were taken. */
  readonly granted: number;
  /** Why the other uses were not taken. */
  readonly refusal: 'credential_spent' | 'rate_exceeded';
  /** Whether no use is left. */
  readonly spent: boolean;
  readonly rate: RateState | null;
  readonly limits: UseLimits;
}

/** No two nodes that are ready have clocks this far apart; milliseconds. */
const MAX_CLOCK_DIFFERENCE_MS = 10_000;
/** At most this many full buckets are counted as missing, so that the level is a safe integer. */
const MAX_MISSING_BUCKETS = 64;

const unitsPerRequest = ({ seconds }: Rate): number => seconds * 1000;
/** Returns the size of a full bucket, in the unit of `RateLevel`. */
export const capacityOf = (rate: Rate): number => rate.requests * unitsPerRequest(rate);

/** Returns the level at `now` (epoch milliseconds), after `taken` requests. The bucket is filled in `seconds`. Pure. */
export function levelAfter(rate: Rate, { rateMissing, rateAt }: RateLevel, taken: number, now: number): RateLevel {
  const time = Math.floor(now);
  // Another node's clock may be ahead; time that it has counted is not counted again. A clock may also be set back.
  const at = rateAt > time + MAX_CLOCK_DIFFERENCE_MS ? time : Math.max(rateAt, time);
  const capacity = capacityOf(rate);
  const elapsed = Math.max(at - rateAt, 0);
  // A long time fills the bucket; the comparison keeps the product small.
  const missing =
    elapsed >= unitsPerRequest(rate) * MAX_MISSING_BUCKETS ? 0 : Math.max(rateMissing - elapsed * rate.requests, 0);
  const missingAfter = missing + taken * unitsPerRequest(rate);
  return { rateMissing: Math.min(missingAfter, capacity * MAX_MISSING_BUCKETS), rateAt: at };
}

/** Returns how many requests a level allows. Pure. */
export const availableAt = (rate: Rate, { rateMissing }: RateLevel): number =>
  Math.max(0, Math.floor((capacityOf(rate) - rateMissing) / unitsPerRequest(rate)));

/** Returns what a response says about a level at `now` (epoch milliseconds). Pure. */
export function rateStateOf(rate: Rate, level: RateLevel, now: number): RateState {
  const { requests, seconds } = rate;
  const remaining = availableAt(rate, level);
  const neededUnits = (remaining + 1) * unitsPerRequest(rate) - (capacityOf(rate) - level.rateMissing);
  const lacking = remaining === requests ? 0 : neededUnits;
  return { requests, seconds, remaining, waitMs: Math.ceil(lacking / requests) + level.rateAt - Math.floor(now) };
}

/** Takes up to `wanted` uses at `now` (epoch milliseconds), as many as both limits allow. Pure. */
export function takeUses(limits: UseLimits, wanted: number, now: number): TakenUses {
  const { rate, maxUses, spentUses } = limits;
  const left = maxUses === null ? Number.POSITIVE_INFINITY : Math.max(0, maxUses - spentUses);
  const available = rate === null ? Number.POSITIVE_INFINITY : availableAt(rate, levelAfter(rate, limits, 0, now));
  const granted = Math.min(wanted, left, available);
  const level = rate === null ? null : levelAfter(rate, limits, granted, now);
  return {
    granted,
    refusal: left === granted ? 'credential_spent' : 'rate_exceeded',
    spent: left === granted,
    rate: rate === null || level === null ? null : rateStateOf(rate, level, now),
    limits: { ...limits, ...level, spentUses: maxUses === null ? spentUses : spentUses + granted },
  };
}
