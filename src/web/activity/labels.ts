import type { Interval } from '../../contract/platform-vocabulary.ts';
import type { ChartSeries } from './chart-data.ts';
import { strings } from './strings.ts';

const INTERVAL_FORMATS: Readonly<Record<Interval, Intl.DateTimeFormat>> = {
  minute: new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }),
  hour: new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }),
  // Days begin at midnight UTC.
  day: new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' }),
};

/** Returns the label of the interval that starts at this time (epoch milliseconds). */
export const intervalLabel = (time: number, interval: Interval): string =>
  INTERVAL_FORMATS[interval].format(new Date(time));

export function seriesName({ key, isOther }: Pick<ChartSeries, 'key' | 'isOther'>): string {
  if (isOther) return strings.labels.other;
  return key ?? strings.labels.noKey;
}
