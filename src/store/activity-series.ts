import { sql } from 'kysely';
import { type ActivityGroup, INTERVALS, type Interval } from '../contract/platform-vocabulary.ts';
import { inlineTable } from './inline-table.ts';
import { engineOf, type Queryable } from './store.ts';

/** The next longer interval, which is a multiple of the interval; null for the longest. */
const NEXT_LONGER_INTERVAL: Readonly<Record<Interval, Interval | null>> = { minute: 'hour', hour: 'day', day: null };

export interface RollupRange {
  readonly interval: Interval;
  /** Epoch milliseconds, inclusive. */
  readonly from: number;
  /** Epoch milliseconds, exclusive. */
  readonly to: number;
}

/**
 * Splits a time range into the fewest roll-ups: whole days are read as days, the remainders at both ends as hours and
 * minutes.
 */
export function splitIntoRollups({ interval, from, to }: RollupRange): RollupRange[] {
  const longer = NEXT_LONGER_INTERVAL[interval];
  if (longer === null) return [{ interval, from, to }];
  const longerMs = INTERVALS[longer];
  const longerFrom = Math.ceil(from / longerMs) * longerMs;
  const longerTo = Math.floor(to / longerMs) * longerMs;
  if (longerFrom >= longerTo) return [{ interval, from, to }];
  const ends = [
    { interval, from, to: longerFrom },
    { interval, from: longerTo, to },
  ].filter((range) => range.from < range.to);
  return [...splitIntoRollups({ interval: longer, from: longerFrom, to: longerTo }), ...ends];
}

export interface Series {
  /** The value of the dimension, such as an event type. */
  readonly key: string;
  /** The points of the response in time order, as JSON without the enclosing brackets. */
  readonly points: string;
}

/**
 * Returns the series of the keys with the most events in a range of whole intervals, and the total number of events of
 * all keys. The key with the most events comes first. Keys are ranked by the longest roll-ups that fit the range; only
 * the keys in the result are read at the requested interval. The database serializes each series to JSON, so the event
 * loop handles one string per series. `bench/activity.ts` measures the chart and its effect on `/v1/authorize`; if
 * serializing the rows in the process had no greater effect, that would be simpler.
 */
export async function readSeries(
  db: Queryable,
  workspaceId: string,
  dimension: ActivityGroup,
  span: RollupRange,
  maxKeys: number,
): Promise<{ readonly total: number; readonly series: Series[] }> {
  const engine = engineOf(db);
  // SQLite reads a whole row, including a large sketch, even to compare one column. This covering index contains no
  // sketches and no counts by subject.
  const usesChartIndex = engine === 'sqlite' && dimension !== 'subject';
  const index = usesChartIndex ? sql`indexed by activity_rollup_chart` : sql``;
  const dimensionFilter = usesChartIndex ? sql`and rollup.dimension in ('type', 'source')` : sql``;
  const rollupQueries = splitIntoRollups(span).map(
    ({ interval, from, to }) => sql`select key, count from activity_rollup as rollup ${index}
      where workspace_id = ${workspaceId} ${dimensionFilter} and grain = ${interval} and dimension = ${dimension} and at >= ${from} and at < ${to}`,
  );
  const { rows: ranked } = await sql<{ key: string; total: number }>`
    select key, cast(sum(count) as bigint) as events, cast(sum(sum(count)) over () as bigint) as total
    from (${sql.join(rollupQueries, sql` union all `)}) as counted
    group by key order by events desc, key limit ${maxKeys}`.execute(db);
  if (ranked.length === 0) return { total: 0, series: [] };
  const requested = inlineTable(
    engine,
    [['key', 'text']],
    ranked.map(({ key }) => [key]),
  );
  // The seconds are always 0, because intervals start at whole minutes.
  const timestamp =
    engine === 'sqlite'
      ? sql`strftime('%Y-%m-%dT%H:%M:%S.000Z', rollup.at / 1000, 'unixepoch')`
      : sql`to_char(to_timestamp(rollup.at / 1000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"')`;
  // Looks up each point by its key, because in index order the points of one key lie between the points of all others.
  const { rows } = await sql<Series>`
    with recursive interval_start (at) as (
      select cast(${span.from} as bigint)
      union all select at + ${sql.lit(INTERVALS[span.interval])} from interval_start
        where at + ${sql.lit(INTERVALS[span.interval])} < cast(${span.to} as bigint)
    )
    select rollup.key, string_agg('{"at":"' || ${timestamp} || '","count":' || rollup.count || ',"subjects":' || rollup.subjects || '}',
      ',' order by rollup.at) as points
    from ${requested} as requested cross join interval_start cross join activity_rollup as rollup ${index}
    where rollup.workspace_id = ${workspaceId} ${dimensionFilter} and rollup.grain = ${span.interval} and rollup.dimension = ${dimension}
      and rollup.at = interval_start.at and rollup.key = requested.key
    group by rollup.key`.execute(db);
  const byKey = new Map(rows.map((row) => [row.key, row.points]));
  return {
    total: ranked[0]?.total ?? 0,
    series: ranked.map(({ key }) => ({ key, points: byKey.get(key) ?? '' })),
  };
}
