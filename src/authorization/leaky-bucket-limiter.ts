import { Problem } from '../contract/problem.ts';
import { clientNetwork } from './client-network.ts';

export interface LeakyBucketLimits {
  /** Number of events that a client may cause at the same time. */
  readonly burst: number;
  /** Number of events per second that a client may cause in the long run. */
  readonly perSecond: number;
  /** Maximum number of tracked clients. Beyond it, the client that was least recently counted is dropped. */
  readonly maxClients: number;
}

/**
 * Limits events, such as look-ups of unknown secrets, with one leaky bucket per client. `client` is an address or any
 * other text, such as an ID; addresses in the same network are one client (`clientNetwork`). `now` is in epoch
 * milliseconds.
 */
export interface LeakyBucketLimiter {
  /** Throws `rate_limited`, with `retryAfter` in seconds, if the client has caused too many events. */
  check(client: string, now: number): void;
  /** Counts one event. */
  count(client: string, now: number): void;
  /** Number of times `check` has thrown. */
  refusalCount(): number;
}

export function createLeakyBucketLimiter(
  { burst, perSecond, maxClients }: LeakyBucketLimits,
  message = 'Too many requests with unknown credentials from this address.',
): LeakyBucketLimiter {
  const buckets = new Map<string, { level: number; updatedAt: number }>();
  let refusalCount = 0;

  function levelOf(network: string, now: number): number {
    const bucket = buckets.get(network);
    if (bucket === undefined) return 0;
    const elapsedMs = Math.max(0, now - bucket.updatedAt);
    return Math.max(0, bucket.level - (elapsedMs * perSecond) / 1000);
  }

  return {
    check(client, now) {
      if (buckets.size === 0) return;
      const excess = levelOf(clientNetwork(client), now) - burst;
      if (excess < 0) return;
      refusalCount++;
      throw new Problem('rate_limited', message, { retryAfter: Math.max(1, Math.ceil(excess / perSecond)) });
    },
    count(client, now) {
      const network = clientNetwork(client);
      const level = levelOf(network, now) + 1;
      buckets.delete(network);
      buckets.set(network, { level, updatedAt: now });
      if (buckets.size <= maxClients) return;
      const [oldest] = buckets.keys();
      if (oldest !== undefined) buckets.delete(oldest);
    },
    refusalCount: () => refusalCount,
  };
}
