import type { Analytics } from '../../contract/activity.ts';
import { INTERVALS } from '../../contract/vocabulary.ts';
import type { ChartRange } from './chart-range.ts';

/** Number of keys with their own color; all other keys are combined. */
const MAX_SERIES = 6;

export type Metric = 'count' | 'subjects';

export interface ChartSeries {
  /**
   * The property of a step that holds the series' values. Keys cannot be used because they may contain dots, which the
   * chart library reads as paths.
   */
  readonly field: string;
  /** Null for events without a subject. */
  readonly key: string | null;
  /** True for the series that combines all other keys. */
  readonly rest: boolean;
  readonly colour: string;
  readonly total: number;
}

export type ChartStep = { readonly at: number } & { readonly [field: string]: number };

export interface ChartData {
  readonly series: readonly ChartSeries[];
  readonly steps: readonly ChartStep[];
  readonly total: number;
}

/**
 * Returns the data of a chart: every step of the range, one series for each of the largest keys, and one for all
 * others.
 */
export function buildChartData(
  { series, total }: Analytics,
  { from, to, interval }: ChartRange,
  metric: Metric,
): ChartData {
  const step = INTERVALS[interval];
  const topSeries = series.slice(0, MAX_SERIES);
  const otherSeries = series.slice(MAX_SERIES);
  const sum = (points: Analytics['series'][number]['points']) => points.reduce((all, point) => all + point.count, 0);
  const chartSeries: ChartSeries[] = topSeries.map(({ key, points }, at) => ({
    field: `s${at}`,
    key,
    rest: false,
    colour: `var(--app-chart-${at + 1})`,
    total: sum(points),
  }));
  const shown = chartSeries.reduce((all, entry) => all + entry.total, 0);
  // Unique subjects of several keys cannot be added up, so there is no combined series.
  if (otherSeries.length > 0 && metric === 'count') {
    chartSeries.push({ field: 'rest', key: null, rest: true, colour: 'var(--app-chart-rest)', total: total - shown });
  }
  const steps = new Map<number, Record<string, number> & { at: number }>();
  for (let at = from; at < to; at += step) {
    steps.set(at, Object.fromEntries([['at', at], ...chartSeries.map(({ field }) => [field, 0])]));
  }
  const add = (field: string, points: Analytics['series'][number]['points']) => {
    for (const point of points) {
      const bucket = steps.get(Date.parse(point.at));
      if (bucket !== undefined) bucket[field] = (bucket[field] ?? 0) + point[metric];
    }
  };
  topSeries.forEach(({ points }, at) => {
    add(`s${at}`, points);
  });
  if (metric === 'count') for (const { points } of otherSeries) add('rest', points);
  return { series: chartSeries, steps: [...steps.values()], total };
}
