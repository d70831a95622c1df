import { DAY, MINUTE } from '../../contract/limits.ts';
import { INTERVALS, type Interval } from '../../contract/platform-vocabulary.ts';
import { formatTimeOfDay } from '../components/format.ts';
import { intervalLabel } from './labels.ts';

const localDayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const MAX_TICKS = 8;
/** Distances between two labels that divide a day evenly, in minutes. */
const LABEL_DISTANCES_MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, DAY / MINUTE];

/** Returns the index of an interval within its local day. A local hour can begin in the middle of a UTC hour. */
function intervalIndexInDay(time: number, intervalMinutes: number): number {
  const date = new Date(time);
  return Math.floor((date.getHours() * 60 + date.getMinutes()) / intervalMinutes);
}

/** Returns the times that are labeled on the axis: round times of day, or evenly spaced days. */
export function axisTicks(times: readonly number[], interval: Interval): number[] {
  const intervalMinutes = INTERVALS[interval] / MINUTE;
  const labelDistance = LABEL_DISTANCES_MINUTES.find(
    (minutes) => minutes >= intervalMinutes && (times.length * intervalMinutes) / minutes <= MAX_TICKS,
  );
  if (interval !== 'day' && labelDistance !== undefined)
    return times.filter((time) => intervalIndexInDay(time, intervalMinutes) % (labelDistance / intervalMinutes) === 0);
  const days = interval === 'day' ? times : times.filter((time) => intervalIndexInDay(time, intervalMinutes) === 0);
  const stride = Math.ceil(days.length / MAX_TICKS);
  return days.filter((_, index) => index % stride === 0);
}

/**
 * Returns the label of an interval on the axis: the date for the first interval of a day, otherwise the time of day.
 */
export function axisLabel(time: number, interval: Interval): string {
  if (interval === 'day') return intervalLabel(time, interval);
  const isStartOfDay = intervalIndexInDay(time, INTERVALS[interval] / MINUTE) === 0;
  return isStartOfDay ? localDayFormat.format(new Date(time)) : formatTimeOfDay(time);
}
