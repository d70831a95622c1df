import type { CredentialRecord } from '../authorization/record.ts';
import { DURATIONS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';

/** Returns the header `Sunset` (RFC 8594) for a credential that expires soon, else null. */
export function sunsetOf({ expiresAt }: Pick<CredentialRecord, 'expiresAt'>, now: number): string | null {
  if (expiresAt === null || expiresAt <= now || expiresAt > now + DURATIONS.sunset) return null;
  return new Date(expiresAt).toUTCString();
}

/** Adds the `Sunset` of a known credential to a problem. */
export function withSunset(problem: Problem, record: CredentialRecord | null, now: number): Problem {
  const sunset = record === null ? null : sunsetOf(record, now);
  return sunset === null ? problem : new Problem(problem.code, problem.message, { ...problem.extensions, sunset });
}
