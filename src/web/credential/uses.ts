import type { CredentialUses } from '../../contract/schemas.ts';
import { DAY } from '../../contract/words.ts';

export interface DayOfUses {
  /** As the chart writes it: “24 Feb”. */
  readonly label: string;
  readonly day: string;
  readonly uses: number;
}

const DAYS = 30;
const short = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** The last 30 days (UTC), oldest first, with those on which nothing happened. Pure. */
export function lastThirtyDays(days: CredentialUses['days'], now: number): DayOfUses[] {
  const counts = new Map(days.map(({ day, count }) => [day, count]));
  return Array.from({ length: DAYS }, (_, at) => {
    const date = new Date(now - (DAYS - 1 - at) * DAY);
    const day = date.toISOString().slice(0, 10);
    return { day, label: short.format(date), uses: counts.get(day) ?? 0 };
  });
}

const number = new Intl.NumberFormat('en');

/** What the chart shows, in a sentence. Pure. */
export function describeUses(days: readonly DayOfUses[]): string {
  const total = days.reduce((sum, { uses }) => sum + uses, 0);
  if (total === 0) return 'No use in the last 30 days.';
  const busiest = days.reduce((most, one) => (one.uses > most.uses ? one : most));
  if (busiest.uses === total) {
    return `${number.format(total)} ${total === 1 ? 'use' : 'uses'} in the last 30 days, on ${busiest.label}.`;
  }
  const used = days.filter(({ uses }) => uses > 0).length;
  return `${number.format(total)} uses on ${used} of the last 30 days; most on ${busiest.label} (${number.format(busiest.uses)}).`;
}
