import type { CredentialRecord } from '../authorization/record.ts';
import { DURATIONS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';

/** Returns whether responses to requests with a credential that expires at this time have the header `Sunset`. */
export const isSunsetDue = (expiresAt: number, now: number): boolean =>
  expiresAt > now && expiresAt <= now + DURATIONS.sunset;

/** Returns a time in epoch milliseconds as an HTTP date (RFC 9110, section 5.6.7). */
export const formatHttpDate = (epochMs: number): string => new Date(epochMs).toUTCString();

/** Returns the value of the header `Sunset` (RFC 8594) for a credential that expires soon, otherwise null. */
export function sunsetOf({ expiresAt }: Pick<CredentialRecord, 'expiresAt'>, now: number): string | null {
  return expiresAt !== null && isSunsetDue(expiresAt, now) ? formatHttpDate(expiresAt) : null;
}

/** Returns the problem with the header `Sunset` if the credential of the refused request (`record`) expires soon. */
export function withSunset(problem: Problem, record: CredentialRecord | null, now: number): Problem {
  const sunset = record === null ? null : sunsetOf(record, now);
  return sunset === null ? problem : new Problem(problem.code, problem.message, { ...problem.extensions, sunset });
}
