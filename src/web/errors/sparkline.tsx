import { formatCompactNumber } from '../components/format.ts';
import { type DailyCount, fillLastDays } from './daily-counts.ts';
import styles from './errors.module.css';
import { strings } from './strings.ts';

interface SparklineProps {
  readonly days: readonly DailyCount[];
  readonly width: number;
  readonly height: number;
}

const DAY_COUNT = 14;

/** One bar per day, with a description for screen readers. */
export function Sparkline({ days, width, height }: SparklineProps) {
  const dailyCounts = fillLastDays(days, DAY_COUNT, Date.now());
  const maxCount = Math.max(1, ...dailyCounts.map(({ count }) => count));
  const barStep = width / DAY_COUNT;
  const totalCount = dailyCounts.reduce((sum, { count }) => sum + count, 0);
  const todayCount = dailyCounts.at(-1)?.count ?? 0;
  return (
    <svg
      role="img"
      aria-label={strings.sparkline.occurrences(totalCount, DAY_COUNT, todayCount)}
      width="100%"
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      style={{ maxWidth: width, display: 'block' }}
    >
      {dailyCounts.map(({ day, count }, index) => {
        const barHeight = count === 0 ? 1 : Math.max(2, (count / maxCount) * height);
        return (
          <rect
            key={day}
            x={index * barStep}
            y={height - barHeight}
            width={Math.max(1, barStep - 2)}
            height={barHeight}
            rx={1}
            fill={count === 0 ? 'var(--app-border)' : 'var(--app-chart-1)'}
          >
            <title>{`${day}: ${count.toLocaleString('en')}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}

const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** A sparkline with axes. Screen readers get the same counts as a table. */
export function DailyCountsChart({ days }: { readonly days: readonly DailyCount[] }) {
  const dailyCounts = fillLastDays(days, DAY_COUNT, Date.now());
  const formatDay = (entry: DailyCount | undefined) =>
    entry === undefined ? '' : dayFormat.format(new Date(entry.day));
  return (
    <div>
      <div className={styles['chart']} aria-hidden>
        <span>{formatCompactNumber(Math.max(1, ...dailyCounts.map(({ count }) => count)))}</span>
        <div>
          <Sparkline days={days} width={360} height={64} />
        </div>
        <span>0</span>
        <div className={styles['days']}>
          <span>{formatDay(dailyCounts[0])}</span>
          <span>{formatDay(dailyCounts.at(-1))}</span>
        </div>
      </div>
      <table className="visually-hidden" aria-label={strings.sparkline.occurrencesPerDay}>
        <thead>
          <tr>
            <th scope="col">{strings.sparkline.day}</th>
            <th scope="col">{strings.sparkline.count}</th>
          </tr>
        </thead>
        <tbody>
          {dailyCounts.map((entry) => (
            <tr key={entry.day}>
              <th scope="row">{formatDay(entry)}</th>
              <td>{entry.count.toLocaleString('en')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
