import {
  ACTIVITY_GROUPS,
  type ActivityGroup,
  DAY,
  HOUR,
  INTERVALS,
  type Interval,
  MINUTE,
} from '../../contract/words.ts';

/** Ranges that end now; `from` and `to` of the address stand for all others. */
export const SPANS: Readonly<Record<string, { readonly label: string; readonly span: number }>> = {
  '1h': { label: 'Last hour', span: HOUR },
  '24h': { label: 'Last 24 hours', span: DAY },
  '7d': { label: 'Last 7 days', span: 7 * DAY },
  '30d': { label: 'Last 30 days', span: 30 * DAY },
  '90d': { label: 'Last 90 days', span: 90 * DAY },
};
export const STANDARD = '24h';

/** Points that a chart of this width still shows apart. */
const MOST_STEPS = 400;
const GOOD_STEPS = 100;

export interface Span {
  readonly from: number;
  readonly to: number;
  readonly interval: Interval;
}

const isInterval = (word: string | undefined): word is Interval => word !== undefined && Object.hasOwn(INTERVALS, word);

/** The intervals that a range can be shown at, the finest first. */
export function intervalsFor(span: number): Interval[] {
  const fitting = (['minute', 'hour', 'day'] as const).filter((one) => {
    const steps = span / INTERVALS[one];
    return steps >= 1 && steps <= MOST_STEPS;
  });
  return fitting.length === 0 ? ['day'] : fitting;
}

function instantOf(text: string | undefined): number | null {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? null : at;
}

/** What the address asks for in whole steps; words that mean nothing are left out. Pure. */
export function spanOf(get: (name: string) => string | undefined, now: number): Span {
  const asked = { from: instantOf(get('from')), to: instantOf(get('to')) };
  const isCustom = asked.from !== null || asked.to !== null;
  const back = (SPANS[get('since') ?? ''] ?? SPANS[STANDARD])?.span ?? DAY;
  const to = Math.min(asked.to ?? now + MINUTE, now + DAY);
  const from = isCustom ? Math.min(asked.from ?? to - back, to - MINUTE) : now - back;
  const fitting = intervalsFor(to - from);
  const wished = get('interval');
  const fine = fitting.find((one) => (to - from) / INTERVALS[one] <= GOOD_STEPS) ?? fitting.at(-1) ?? 'day';
  const interval = isInterval(wished) && fitting.includes(wished) ? wished : fine;
  const step = INTERVALS[interval];
  return { from: Math.floor(from / step) * step, to: Math.ceil(to / step) * step, interval };
}

export function groupOf(word: string | undefined): ActivityGroup {
  return ACTIVITY_GROUPS.find((one) => one === word) ?? 'type';
}
