import { DAY } from '../../contract/limits.ts';

export interface DailyCount {
  /** As `YYYY-MM-DD`, in UTC. */
  readonly day: string;
  readonly count: number;
}

/** Returns the counts of the last `dayCount` days up to today (UTC), oldest first, including days without errors. */
export function fillLastDays(dailyCounts: readonly DailyCount[], dayCount: number, now: number): DailyCount[] {
  const countByDay = new Map(dailyCounts.map(({ day, count }) => [day, count]));
  return Array.from({ length: dayCount }, (_, index) => {
    const day = new Date(now - (dayCount - 1 - index) * DAY).toISOString().slice(0, 10);
    return { day, count: countByDay.get(day) ?? 0 };
  });
}
