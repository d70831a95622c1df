import { LAST_INSTANT } from '../contract/instant.ts';
import { DAY } from '../contract/limits.ts';

/** Maximum time by which a client's clock may be ahead of the clock of this server. */
const MAX_CLOCK_SKEW_MS = DAY;

/** Returns the time of a client's event, or `now` if that time is more than a day in the future. Pure. */
export function replaceFutureTime(timeMs: number, now: number): number {
  return timeMs > now + MAX_CLOCK_SKEW_MS ? now : timeMs;
}

/** A date-time without an offset, which is in UTC. */
const WITHOUT_OFFSET = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?$/;
/** Seconds since 1970, or milliseconds, which some clients send instead. */
const NUMERIC_TIME = /^\d{9,16}(?:\.\d{1,12})?$/;

function parseInstantText(text: string): number {
  if (NUMERIC_TIME.test(text)) return Number(text) * 1000;
  return Date.parse(WITHOUT_OFFSET.test(text) ? `${text.replace(' ', 'T')}Z` : text);
}

/**
 * Parses an instant: seconds since 1970 (a number or text) or an ISO 8601 date-time, which is in UTC unless it has an
 * offset. Some clients send milliseconds instead of seconds, or a date computed by taking milliseconds for seconds
 * (such as one in the year 50000); both are corrected. Returns epoch milliseconds in the years 1970 to 9999; null for
 * any other value. Pure.
 */
export function parseClientInstant(value: unknown): number | null {
  let timeMs = Number.NaN;
  if (typeof value === 'number') timeMs = value * 1000;
  else if (typeof value === 'string') timeMs = parseInstantText(value);
  const roundedMs = Math.round(timeMs > LAST_INSTANT ? timeMs / 1000 : timeMs);
  return roundedMs >= 0 && roundedMs <= LAST_INSTANT ? roundedMs : null;
}
