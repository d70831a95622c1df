import type { DenialBuffer } from '../audit/denials.ts';
import type { LeakyBucketLimiter } from '../authorization/leaky-bucket-limiter.ts';
import { MINUTE } from '../contract/limits.ts';
import type { Outbound } from '../outbound/outbound.ts';
import type { CredentialContext } from './credentials.ts';
import type { IssuerKeys } from './issuer-keys.ts';

/** The dependencies of workload identities and exchanges. */
export interface WorkloadContext extends CredentialContext {
  readonly outbound: Outbound;
  readonly issuerKeys: IssuerKeys;
  readonly denials: DenialBuffer;
  /** Counts refused exchanges, per client address. */
  readonly refusedExchanges: LeakyBucketLimiter;
  /** Counts exchanges of access tokens, by the ID of the token that is exchanged. */
  readonly exchangesPerParent: LeakyBucketLimiter;
  /** Counts accepted exchanges of workload tokens, by the ID of the workload identity. */
  readonly exchangesPerIdentity: LeakyBucketLimiter;
  /** Counts exchanges of both kinds, by the ID of the workspace. */
  readonly exchangesPerWorkspace: LeakyBucketLimiter;
  /**
   * Returns whether a refusal is the first one for this identity and reason in the minute of `now`, and remembers it.
   * Only the first refusal is recorded among the last exchanges of the identity.
   */
  readonly isFirstRefusal: (identityAndReason: string, now: number) => boolean;
}

/** Beyond this number of first refusals in a minute, no refusal counts as the first one. */
const MAX_FIRST_REFUSALS = 10_000;

/** Returns a new `isFirstRefusal`, which remembers the refusals of the current minute. */
export function createFirstRefusalCheck(): WorkloadContext['isFirstRefusal'] {
  let currentMinute = 0;
  const refusals = new Set<string>();
  return (identityAndReason, now) => {
    const minute = Math.floor(now / MINUTE);
    if (minute !== currentMinute) refusals.clear();
    currentMinute = minute;
    if (refusals.has(identityAndReason) || refusals.size >= MAX_FIRST_REFUSALS) return false;
    refusals.add(identityAndReason);
    return true;
  };
}
