import type { CredentialUses } from '../../contract/credentials.ts';
import { DAY } from '../../contract/limits.ts';
import { strings } from './strings.ts';

export interface DailyUses {
  /** The label of the day in the chart: "24 Feb". */
  readonly label: string;
  /** The day in UTC: "2027-02-24". */
  readonly day: string;
  readonly uses: number;
}

const DAY_COUNT = 30;
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** Returns the last 30 days (UTC), oldest first, including days without uses. */
export function fillLastThirtyDays(days: CredentialUses['days'], now: number): DailyUses[] {
  const counts = new Map(days.map(({ day, count }) => [day, count]));
  return Array.from({ length: DAY_COUNT }, (_, index) => {
    const date = new Date(now - (DAY_COUNT - 1 - index) * DAY);
    const day = date.toISOString().slice(0, 10);
    return { day, label: dayFormat.format(date), uses: counts.get(day) ?? 0 };
  });
}

/** Describes the chart in a sentence. */
export function describeUses(days: readonly DailyUses[]): string {
  const total = days.reduce((sum, { uses }) => sum + uses, 0);
  if (total === 0) return strings.dailyUses.noUses;
  const busiest = days.reduce((busiestSoFar, day) => (day.uses > busiestSoFar.uses ? day : busiestSoFar));
  if (busiest.uses === total) {
    return strings.dailyUses.usesOnOneDay(total, busiest.label);
  }
  const usedDayCount = days.filter(({ uses }) => uses > 0).length;
  return strings.dailyUses.usesOnDays({ total, dayCount: usedDayCount, busiestDay: busiest.label, most: busiest.uses });
}
