import { Cron } from 'croner';
import { invalidField } from '../contract/problem.ts';

/** Five fields in UTC; where both days are given, either will do, as in every cron. */
function read(schedule: string): Cron {
  return new Cron(schedule, { mode: '5-part', timezone: 'UTC', paused: true });
}

/** The first time after `now` at which a schedule is due, in epoch milliseconds; null if there is none any more. Pure. */
export function nextTime(schedule: string, now: number): number | null {
  return read(schedule).nextRun(new Date(now))?.getTime() ?? null;
}

/** The first due time of a schedule, null for none. Throws `validation_failed`, naming the field, for one that cron can't read or that never comes. */
export function firstTime(field: string, schedule: string | null, now: number): number | null {
  if (schedule === null) return null;
  let first: number | null;
  try {
    first = nextTime(schedule, now);
  } catch {
    throw invalidField(field, 'takes five fields as in cron, in UTC, such as 30 3 * * 1-5');
  }
  if (first === null) throw invalidField(field, 'names a time that never comes');
  return first;
}
