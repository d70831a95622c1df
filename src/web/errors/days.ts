import { DAY } from '../../contract/words.ts';

export interface DayCount {
  readonly day: string;
  readonly count: number;
}

/** The last days up to today (UTC), oldest first, those without an error as nought. Pure. */
export function lastDays(days: readonly DayCount[], count: number, now: number): DayCount[] {
  const known = new Map(days.map((one) => [one.day, one.count]));
  return Array.from({ length: count }, (_, at) => {
    const day = new Date(now - (count - 1 - at) * DAY).toISOString().slice(0, 10);
    return { day, count: known.get(day) ?? 0 };
  });
}
