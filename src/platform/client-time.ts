import { LAST_INSTANT } from '../contract/instant.ts';
import { DAY } from '../contract/limits.ts';

/** How far ahead of this server a client's clock may be. */
const MAX_CLOCK_SKEW_MS = DAY;

/** Returns the time of a client's event, or the present if it is more than a day in the future. Pure. */
export function clampToNow(timeMs: number, now: number): number {
  return timeMs > now + MAX_CLOCK_SKEW_MS ? now : timeMs;
}

/**
 * Parses an instant that may be in seconds since 1970 or ISO 8601. Milliseconds in place of seconds, a common
 * mistake, are read as milliseconds, also if the client formatted them as a date in the year 50000. Returns epoch
 * milliseconds of the years 1970 to 9999, or null. Pure.
 */
export function parseClientInstant(value: unknown): number | null {
  const timeMs = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? Date.parse(value) : Number.NaN;
  const roundedMs = Math.round(timeMs > LAST_INSTANT ? timeMs / 1000 : timeMs);
  return roundedMs >= 0 && roundedMs <= LAST_INSTANT ? roundedMs : null;
}
