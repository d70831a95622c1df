import { Cron } from 'croner';
import { invalidField } from '../contract/problem.ts';

/**
 * Parses a cron expression of five fields. If both the day of the month and the day of the week are restricted, a date
 * needs to match only one of them, as in cron.
 */
function parseCron(schedule: string, timeZone: string): Cron {
  return new Cron(schedule, { mode: '5-part', timezone: timeZone, paused: true });
}

/**
 * Returns the first time after `now` at which a schedule is due, in epoch milliseconds; null if there is none. Clock
 * changes are handled as in cron: a time of day that is skipped when clocks go forward is due at the end of the gap,
 * and a time of day that is repeated when clocks go back is due once, unless the hour is a wildcard. Pure.
 */
export function nextOccurrence(schedule: string, now: number, timeZone = 'UTC'): number | null {
  return parseCron(schedule, timeZone).nextRun(new Date(now))?.getTime() ?? null;
}

/**
 * Returns the first due time of a schedule after `now`; null if there is no schedule. Throws `validation_failed` with
 * the field for a schedule that is invalid or never due.
 */
export function firstOccurrence(field: string, schedule: string | null, now: number, timeZone = 'UTC'): number | null {
  if (schedule === null) return null;
  let first: number | null;
  try {
    first = nextOccurrence(schedule, now, timeZone);
  } catch {
    throw invalidField(field, 'must be a cron expression of five fields, such as 30 3 * * 1-5');
  }
  if (first === null) throw invalidField(field, 'must match at least one date');
  return first;
}
