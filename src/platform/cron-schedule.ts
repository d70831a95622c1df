import { Cron } from 'croner';
import { invalidField } from '../contract/problem.ts';

/** Five fields in UTC; where both days are given, either will do, as in every cron. */
function parseCron(schedule: string): Cron {
  return new Cron(schedule, { mode: '5-part', timezone: 'UTC', paused: true });
}

/** The first time after `now` at which a schedule is due, in epoch milliseconds; null if there is none any more. Pure. */
export function nextOccurrence(schedule: string, now: number): number | null {
  return parseCron(schedule).nextRun(new Date(now))?.getTime() ?? null;
}

/** The first due time of a schedule, null for none. Throws `validation_failed`, naming the field, for one that cron can't read or that never comes. */
export function firstOccurrence(field: string, schedule: string | null, now: number): number | null {
  if (schedule === null) return null;
  let first: number | null;
  try {
    first = nextOccurrence(schedule, now);
  } catch {
    throw invalidField(field, 'must be a cron expression of five fields in UTC, such as 30 3 * * 1-5');
  }
  if (first === null) throw invalidField(field, 'never matches a date');
  return first;
}
