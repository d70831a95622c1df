import { DURATIONS, HOUR, MINUTE, SECOND } from '../contract/limits.ts';

/** Pauses after the first, second and further failed attempts, in milliseconds; the last pause is repeated. */
const PAUSES_MS = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  1 * HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
] as const;
const LONGEST_PAUSE_MS = 8 * HOUR;

/**
 * Returns the milliseconds of the pause that a receiver requested with `Retry-After` (RFC 9110, section 10.2.3), at
 * most 8 hours; 0 if the header is missing or is not a number of seconds.
 */
function requestedPauseMs(retryAfter: string | undefined): number {
  if (retryAfter === undefined || !/^\d{1,6}$/.test(retryAfter)) return 0;
  return Math.min(Number(retryAfter) * SECOND, LONGEST_PAUSE_MS);
}

/**
 * Returns when a delivery or an email is retried after its `attempts`-th attempt failed at `now`, in epoch
 * milliseconds; null once three days have passed since the first attempt. The last attempt is made at the end of the
 * three days. Pure.
 */
export function nextAttemptAt(
  now: number,
  firstAttemptAt: number,
  attempts: number,
  retryAfter: string | undefined,
): number | null {
  const end = firstAttemptAt + DURATIONS.webhookRetries;
  if (now >= end) return null;
  const pauseMs = Math.max(PAUSES_MS[attempts - 1] ?? LONGEST_PAUSE_MS, requestedPauseMs(retryAfter));
  return Math.min(now + pauseMs, end);
}
