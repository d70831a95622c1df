import type { Interval } from '../../contract/words.ts';
import type { Line } from './series.ts';

const FORMATS: Readonly<Record<Interval, Intl.DateTimeFormat>> = {
  minute: new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }),
  hour: new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }),
  // Days are counted in UTC.
  day: new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' }),
};

/** When a step of a chart begins. */
export const stepLabel = (at: number, interval: Interval): string => FORMATS[interval].format(new Date(at));

export function lineName({ key, rest }: Pick<Line, 'key' | 'rest'>): string {
  if (rest) return 'All others';
  return key ?? 'Without a subject';
}
