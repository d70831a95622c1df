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
  /** Number of uses that were taken. */
  readonly granted: number;
  /** Why the remaining wanted uses were not taken; meaningless if all of them were. */
  readonly refusal: 'credential_spent' | 'rate_exceeded';
  /** Whether no use is left. */
  readonly spent: boolean;
  /** The state of the rate limit after these uses; null if there is none. */
  readonly rate: RateState | null;
  /** The limits after these uses. */
  readonly limits: UseLimits;
}

/** The clocks of two ready nodes differ by less: this is twice the `SKEW_LIMIT_MS` of `src/server/clock-skew.ts`. */
const MAX_CLOCK_DIFFERENCE_MS = 10_000;
/** How much can be missing from a bucket, as a multiple of its capacity, so that `rateMissing` is a safe integer. */
const MAX_MISSING_BUCKETS = 64;

const unitsPerRequest = ({ seconds }: Rate): number => seconds * 1000;
/** Returns the size of a full bucket, in the unit of `RateLevel`. */
export const capacityOf = (rate: Rate): number => rate.requests * unitsPerRequest(rate);

/** Returns the level at `now` (epoch milliseconds) after `taken` more requests. Pure. */
export function levelAfter(rate: Rate, { rateMissing, rateAt }: RateLevel, taken: number, now: number): RateLevel {
  const time = Math.floor(now);
  // Time that was already counted by a node whose clock is ahead is not counted again. If `rateAt` is too far in the
  // future for that, a clock was set back.
  const countedUntil = rateAt > time + MAX_CLOCK_DIFFERENCE_MS ? time : Math.max(rateAt, time);
  const capacity = capacityOf(rate);
  const elapsedMs = Math.max(countedUntil - rateAt, 0);
  // After a long time the bucket is full. Without this case, the product could exceed a safe integer.
  const missing =
    elapsedMs >= unitsPerRequest(rate) * MAX_MISSING_BUCKETS ? 0 : Math.max(rateMissing - elapsedMs * rate.requests, 0);
  const missingAfter = missing + taken * unitsPerRequest(rate);
  return { rateMissing: Math.min(missingAfter, capacity * MAX_MISSING_BUCKETS), rateAt: countedUntil };
}

/** Returns the number of requests that a level allows. Pure. */
export const availableRequests = (rate: Rate, { rateMissing }: RateLevel): number =>
  Math.max(0, Math.floor((capacityOf(rate) - rateMissing) / unitsPerRequest(rate)));

/** Returns the state of a rate limit at `now` (epoch milliseconds), as responses contain it. Pure. */
export function rateStateOf(rate: Rate, level: RateLevel, now: number): RateState {
  const { requests, seconds } = rate;
  const remaining = availableRequests(rate, level);
  const neededUnits = (remaining + 1) * unitsPerRequest(rate) - (capacityOf(rate) - level.rateMissing);
  const missingUnits = remaining === requests ? 0 : neededUnits;
  return { requests, seconds, remaining, waitMs: Math.ceil(missingUnits / requests) + level.rateAt - Math.floor(now) };
}

/** Takes up to `wanted` uses at `now` (epoch milliseconds), as many as both limits allow. Pure. */
export function takeUses(limits: UseLimits, wanted: number, now: number): TakenUses {
  const { rate, maxUses, spentUses } = limits;
  const left = maxUses === null ? Number.POSITIVE_INFINITY : Math.max(0, maxUses - spentUses);
  const available =
    rate === null ? Number.POSITIVE_INFINITY : availableRequests(rate, levelAfter(rate, limits, 0, now));
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
