import type { RateState } from '../contract/problem.ts';
import type { Decision } from './decision.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { CredentialRecord } from './record.ts';
import type { CompiledRestrictions } from './restrictions.ts';
import type { TakeUse } from './use-batches.ts';

/**
 * Returns whether a credential that is restricted to the `allowed` projects and apps may use the resource of a request.
 */
export type ResourceCheck = (
  allowed: NonNullable<CompiledRestrictions['resources']>,
  workspaceId: string,
) => boolean | Promise<boolean>;

/**
 * A decision on a restricted credential. `rate` is the state of its rate limit, null if it has none or it was not
 * checked.
 */
export interface RestrictedDecision {
  readonly decision: Decision;
  readonly rate: RateState | null;
}

const ACCEPTED: RestrictedDecision = { decision: 'ok', rate: null };

/** Counts a use of a credential with a maximum number of uses, in the store. */
async function takeLimitedUse(
  record: CredentialRecord,
  restrictions: CompiledRestrictions,
  now: number,
  take: TakeUse,
): Promise<RestrictedDecision> {
  const { taken, accepted } = await take(record.workspace.id, record.id);
  if (taken === null) return { decision: 'invalid_token', rate: null };
  if (taken === 'inactive') return { decision: 'token_inactive', rate: null };
  const { spent, rate, refusal } = taken;
  if (spent) restrictions.spent = true;
  if (rate !== null && rate.remaining === 0) restrictions.rateEmptyUntil = now + rate.waitMs;
  return { decision: accepted ? 'ok' : refusal, rate };
}

const toRestrictedDecision = ({ accepted, rate }: { accepted: boolean; rate: RateState }): RestrictedDecision => ({
  decision: accepted ? 'ok' : 'rate_exceeded',
  rate,
});

/** Counts the uses of restricted credentials. */
export interface UseCounting {
  /** For credentials with a maximum number of uses. Their rate is counted in the same transaction. */
  readonly takeUse: TakeUse;
  /** For credentials with only a rate. */
  readonly rateLimiter: Pick<RateLimiter, 'take'>;
}

/**
 * Counts a use of a restricted credential that has passed all other checks, if its limits allow one more, and returns
 * the decision. Synchronous and without I/O, unless the credential has a maximum number of uses or `RateLimiter.take`
 * has to share earlier requests first. `counting` is null if the use must not be counted; the limits are then not
 * checked.
 */
export function decideUse(
  record: CredentialRecord,
  restrictions: CompiledRestrictions,
  now: number,
  counting: UseCounting | null,
): RestrictedDecision | Promise<RestrictedDecision> {
  const { rate, maxUses, rateEmptyUntil } = restrictions;
  if (counting === null || (rate === null && maxUses === null)) return ACCEPTED;
  if (rate !== null && maxUses === null) {
    const taken = counting.rateLimiter.take(record, restrictions, rate, now);
    return taken instanceof Promise ? taken.then(toRestrictedDecision) : toRestrictedDecision(taken);
  }
  // A longer wait than the rate can cause means that the clock was set back.
  if (rate !== null && now < rateEmptyUntil && rateEmptyUntil - now <= rate.seconds * 1000)
    return { decision: 'rate_exceeded', rate: { ...rate, remaining: 0, waitMs: rateEmptyUntil - now } };
  return takeLimitedUse(record, restrictions, now, counting.takeUse);
}
