import { DAY } from '../../contract/limits.ts';

export interface DailyCount {
  /** As `YYYY-MM-DD`, in UTC. */
  readonly day: string;
  readonly count: number;
}

/** Returns the counts of the last `count` days up to today (UTC), oldest first, including days without errors. */
export function fillLastDays(days: readonly DailyCount[], count: number, now: number): DailyCount[] {
  const countByDay = new Map(days.map((day) => [day.day, day.count]));
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(now - (count - 1 - index) * DAY).toISOString().slice(0, 10);
    return { day, count: countByDay.get(day) ?? 0 };
  });
}
