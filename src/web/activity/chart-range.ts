import { DAY, HOUR, MINUTE } from '../../contract/limits.ts';
import { ACTIVITY_GROUPS, type ActivityGroup, INTERVALS, type Interval } from '../../contract/platform-vocabulary.ts';
import { strings } from './strings.ts';

/** Ranges that end now. Other ranges use the URL's `from` and `to`. */
export const RELATIVE_RANGES: Readonly<Record<string, { readonly label: string; readonly durationMs: number }>> = {
  '1h': { label: strings.chartRange.ranges.lastHour, durationMs: HOUR },
  '24h': { label: strings.chartRange.ranges.last24Hours, durationMs: DAY },
  '7d': { label: strings.chartRange.ranges.last7Days, durationMs: 7 * DAY },
  '30d': { label: strings.chartRange.ranges.last30Days, durationMs: 30 * DAY },
  '90d': { label: strings.chartRange.ranges.last90Days, durationMs: 90 * DAY },
};
export const DEFAULT_RANGE = '24h';

/** Maximum number of intervals that remain distinguishable at the chart's width. */
const MAX_INTERVALS = 400;
/** The default is the finest interval of which at most this many fit into the range. */
const MAX_DEFAULT_INTERVALS = 100;

export interface ChartRange {
  readonly from: number;
  readonly to: number;
  readonly interval: Interval;
}

const isInterval = (value: string | undefined): value is Interval =>
  value !== undefined && Object.hasOwn(INTERVALS, value);

/** Returns the intervals of which 1 to 400 fit into a range, finest first; only `day` if there is none. */
export function availableIntervals(durationMs: number): Interval[] {
  const available = (['minute', 'hour', 'day'] as const).filter((interval) => {
    const intervalCount = durationMs / INTERVALS[interval];
    return intervalCount >= 1 && intervalCount <= MAX_INTERVALS;
  });
  return available.length === 0 ? ['day'] : available;
}

function parseInstant(text: string | undefined): number | null {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? null : time;
}

/** Returns the range in the URL, aligned to whole intervals. Invalid values are ignored. */
export function parseChartRange(get: (name: string) => string | undefined, now: number): ChartRange {
  const requested = { from: parseInstant(get('from')), to: parseInstant(get('to')) };
  const isCustom = requested.from !== null || requested.to !== null;
  const rangeMs = (RELATIVE_RANGES[get('since') ?? ''] ?? RELATIVE_RANGES[DEFAULT_RANGE])?.durationMs ?? DAY;
  // The end includes the current minute, so that events appear as they happen; it is at most a day in the future.
  const to = Math.min(requested.to ?? now + MINUTE, now + DAY);
  const from = isCustom ? Math.min(requested.from ?? to - rangeMs, to - MINUTE) : now - rangeMs;
  const available = availableIntervals(to - from);
  const requestedInterval = get('interval');
  const preferred =
    available.find((interval) => (to - from) / INTERVALS[interval] <= MAX_DEFAULT_INTERVALS) ??
    available.at(-1) ??
    'day';
  const interval =
    isInterval(requestedInterval) && available.includes(requestedInterval) ? requestedInterval : preferred;
  const intervalMs = INTERVALS[interval];
  return { from: Math.floor(from / intervalMs) * intervalMs, to: Math.ceil(to / intervalMs) * intervalMs, interval };
}

export function parseGroup(value: string | undefined): ActivityGroup {
  return ACTIVITY_GROUPS.find((group) => group === value) ?? 'type';
}
