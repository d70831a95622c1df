import type { RateState } from '../contract/problem.ts';

/** Returns the seconds until one more request is accepted; at least 1, because a client must not retry immediately. */
export const secondsToWait = ({ waitMs }: RateState): number => Math.max(1, Math.ceil(waitMs / 1000));

/**
 * Returns the headers of a credential's rate limit (draft-ietf-httpapi-ratelimit-headers-10). The policy is `q`
 * requests per `w` seconds. `r` requests are accepted immediately, and one more after `t` seconds.
 */
export function rateLimitHeaders(rate: RateState): { readonly ratelimit: string; readonly 'ratelimit-policy': string } {
  const { requests, seconds, remaining, waitMs } = rate;
  const wait = waitMs === 0 ? 0 : secondsToWait(rate);
  return {
    ratelimit: `"credential";r=${remaining};t=${wait}`,
    'ratelimit-policy': `"credential";q=${requests};w=${seconds}`,
  };
}
