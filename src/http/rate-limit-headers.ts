import type { RateState } from '../contract/problem.ts';

/** Whole seconds until one more request is accepted; at least 1, because a client that waits 0 seconds is refused. */
export const secondsToWait = ({ waitMs }: RateState): number => Math.max(1, Math.ceil(waitMs / 1000));

/**
 * The headers of a credential's rate, as in draft-ietf-httpapi-ratelimit-headers-10: the policy is `q` requests per `w`
 * seconds; `r` more are accepted now, and after `t` seconds one more than that.
 */
export function rateLimitHeaders(rate: RateState): { readonly ratelimit: string; readonly 'ratelimit-policy': string } {
  const { requests, seconds, remaining, waitMs } = rate;
  const wait = waitMs === 0 ? 0 : secondsToWait(rate);
  return {
    ratelimit: `"credential";r=${remaining};t=${wait}`,
    'ratelimit-policy': `"credential";q=${requests};w=${seconds}`,
  };
}
