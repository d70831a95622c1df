import type { Analytics } from '../../contract/activity.ts';
import { INTERVALS } from '../../contract/platform-vocabulary.ts';
import type { ChartRange } from './chart-range.ts';

/** Number of keys with their own series and color. */
const MAX_SERIES = 6;

export type Metric = 'count' | 'subjects';

export interface ChartSeries {
  /**
   * The property of a row that holds the series' values. Keys cannot be used because they may contain dots, which the
   * chart library reads as paths.
   */
  readonly field: string;
  /** Null for events without a subject, and for the series that combines the other keys. */
  readonly key: string | null;
  /** True for the series that combines all other keys. */
  readonly isOther: boolean;
  readonly color: string;
  /** Number of events, even if the chart shows unique subjects. */
  readonly total: number;
}

/** The values of all series in one interval, which starts at `time` (epoch milliseconds). */
export type ChartRow = { readonly time: number } & { readonly [field: string]: number };

export interface ChartData {
  readonly series: readonly ChartSeries[];
  readonly rows: readonly ChartRow[];
  /** Number of events of all keys. */
  readonly total: number;
}

/**
 * Returns the data of a chart: one row for each interval of the range, one series for each of the largest keys and, if
 * the metric is `count`, one for all others.
 */
export function buildChartData(
  { series, total }: Analytics,
  { from, to, interval }: ChartRange,
  metric: Metric,
): ChartData {
  const intervalMs = INTERVALS[interval];
  const topSeries = series.slice(0, MAX_SERIES);
  const otherSeries = series.slice(MAX_SERIES);
  const countEvents = (points: Analytics['series'][number]['points']) =>
    points.reduce((count, point) => count + point.count, 0);
  const chartSeries: ChartSeries[] = topSeries.map(({ key, points }, index) => ({
    field: `s${index}`,
    key,
    isOther: false,
    color: `var(--app-chart-${index + 1})`,
    total: countEvents(points),
  }));
  const topTotal = chartSeries.reduce((count, entry) => count + entry.total, 0);
  // Unique subjects of several keys cannot be added up, so there is no combined series.
  if (otherSeries.length > 0 && metric === 'count') {
    chartSeries.push({
      field: 'other',
      key: null,
      isOther: true,
      color: 'var(--app-chart-other)',
      total: total - topTotal,
    });
  }
  const rows = new Map<number, Record<string, number> & { time: number }>();
  for (let time = from; time < to; time += intervalMs) {
    rows.set(time, Object.fromEntries([['time', time], ...chartSeries.map(({ field }) => [field, 0])]));
  }
  const addToRows = (field: string, points: Analytics['series'][number]['points']) => {
    for (const point of points) {
      const row = rows.get(Date.parse(point.at));
      if (row !== undefined) row[field] = (row[field] ?? 0) + point[metric];
    }
  };
  topSeries.forEach(({ points }, index) => {
    addToRows(`s${index}`, points);
  });
  if (metric === 'count') for (const { points } of otherSeries) addToRows('other', points);
  return { series: chartSeries, rows: [...rows.values()], total };
}
