import { type DayCount, lastDays } from './days.ts';

interface SparklineProps {
  readonly days: readonly DayCount[];
  readonly width: number;
  readonly height: number;
}

const DAYS = 14;

/** Bars, a day each, and what they say in words. */
export function Sparkline({ days, width, height }: SparklineProps) {
  const all = lastDays(days, DAYS, Date.now());
  const most = Math.max(1, ...all.map(({ count }) => count));
  const step = width / DAYS;
  const sum = all.reduce((total, { count }) => total + count, 0);
  const today = all.at(-1)?.count ?? 0;
  return (
    <svg
      role="img"
      aria-label={`${sum.toLocaleString('en')} in ${DAYS} days, ${today.toLocaleString('en')} today`}
      width="100%"
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      style={{ maxWidth: width, display: 'block' }}
    >
      {all.map(({ day, count }, at) => {
        const tall = count === 0 ? 1 : Math.max(2, (count / most) * height);
        return (
          <rect
            key={day}
            x={at * step}
            y={height - tall}
            width={Math.max(1, step - 2)}
            height={tall}
            rx={1}
            fill={count === 0 ? 'var(--app-line)' : 'var(--app-chart-1)'}
          >
            <title>{`${day}: ${count.toLocaleString('en')}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}
