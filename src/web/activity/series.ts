import type { Analytics } from '../../contract/activity.ts';
import { INTERVALS } from '../../contract/words.ts';
import type { Span } from './range.ts';

/** Keys that have a colour of their own; the others are one. */
const SHOWN = 6;

export type Metric = 'count' | 'subjects';

export interface Line {
  /** The field of a step that holds its numbers; keys themselves may hold dots, which charts read as paths. */
  readonly field: string;
  /** Null where the events have no subject. */
  readonly key: string | null;
  /** True for the one that stands for all that have none of their own. */
  readonly rest: boolean;
  readonly colour: string;
  readonly total: number;
}

export type Step = { readonly at: number } & { readonly [field: string]: number };

export interface Chart {
  readonly lines: readonly Line[];
  readonly steps: readonly Step[];
  readonly total: number;
}

/** What a chart draws: every step of the span, the largest keys by themselves, the rest together. Pure. */
export function chartOf({ series, total }: Analytics, { from, to, interval }: Span, metric: Metric): Chart {
  const step = INTERVALS[interval];
  const own = series.slice(0, SHOWN);
  const others = series.slice(SHOWN);
  const sum = (points: Analytics['series'][number]['points']) => points.reduce((all, point) => all + point.count, 0);
  const lines: Line[] = own.map(({ key, points }, at) => ({
    field: `s${at}`,
    key,
    rest: false,
    colour: `var(--app-chart-${at + 1})`,
    total: sum(points),
  }));
  const shown = lines.reduce((all, line) => all + line.total, 0);
  // Distinct subjects of several keys can't be added up: there is no line for the rest then.
  if (others.length > 0 && metric === 'count') {
    lines.push({ field: 'rest', key: null, rest: true, colour: 'var(--app-chart-rest)', total: total - shown });
  }
  const steps = new Map<number, Record<string, number> & { at: number }>();
  for (let at = from; at < to; at += step) {
    steps.set(at, Object.fromEntries([['at', at], ...lines.map(({ field }) => [field, 0])]));
  }
  const add = (field: string, points: Analytics['series'][number]['points']) => {
    for (const point of points) {
      const place = steps.get(Date.parse(point.at));
      if (place !== undefined) place[field] = (place[field] ?? 0) + point[metric];
    }
  };
  own.forEach(({ points }, at) => {
    add(`s${at}`, points);
  });
  if (metric === 'count') for (const { points } of others) add('rest', points);
  return { lines, steps: [...steps.values()], total };
}
