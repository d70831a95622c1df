import { LAST_INSTANT } from '../contract/instant.ts';
import { DAY } from '../contract/words.ts';

/** How far ahead of this server a client's clock may be. */
const AHEAD = DAY;

/** When a client says that something happened; the present where its clock is more than a day ahead. Pure. */
export function clampToNow(at: number, now: number): number {
  return at > now + AHEAD ? now : at;
}

/**
 * Reads the instant of a client whose format leaves it open: seconds since 1970 or ISO 8601. Milliseconds where
 * seconds belong, a common mistake, are read as milliseconds, also when the client printed them as a date of the
 * year 50000. Returns epoch milliseconds of the years 1970 to 9999, or null. Pure.
 */
export function readClientInstant(value: unknown): number | null {
  const at = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? Date.parse(value) : Number.NaN;
  const read = Math.round(at > LAST_INSTANT ? at / 1000 : at);
  return read >= 0 && read <= LAST_INSTANT ? read : null;
}
