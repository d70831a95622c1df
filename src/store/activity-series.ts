import { sql } from 'kysely';
import { type ActivityGroup, INTERVALS, type Interval } from '../contract/platform-vocabulary.ts';
import { inlineTable } from './inline-table.ts';
import { engineOf, type Queryable } from './store.ts';

/** The next longer interval, which contains whole steps of this one; null for the longest. */
const NEXT_LONGER_INTERVAL: Readonly<Record<Interval, Interval | null>> = { minute: 'hour', hour: 'day', day: null };

export interface RollupRange {
  readonly grain: Interval;
  /** Epoch milliseconds, inclusive. */
  readonly from: number;
  /** Epoch milliseconds, exclusive. */
  readonly to: number;
}

/**
 * Splits a time range into the fewest roll-ups: whole days as days, and the remainders at its ends as hours and
 * minutes. Pure.
 */
export function splitIntoRollups({ grain, from, to }: RollupRange): RollupRange[] {
  const longer = NEXT_LONGER_INTERVAL[grain];
  if (longer === null) return [{ grain, from, to }];
  const step = INTERVALS[longer];
  const [first, last] = [Math.ceil(from / step) * step, Math.floor(to / step) * step];
  if (first >= last) return [{ grain, from, to }];
  const ends = [
    { grain, from, to: first },
    { grain, from: last, to },
  ].filter((piece) => piece.from < piece.to);
  return [...splitIntoRollups({ grain: longer, from: first, to: last }), ...ends];
}

export interface Series {
  readonly key: string;
  /** The points of the response in time order, as JSON without the enclosing brackets. */
  readonly points: string;
}

/**
 * Returns the points of the keys with the most events in a range of whole steps, the largest key first, and the total
 * number of events. Ranking reads the longest roll-ups that fit the range; only the keys in the result are read by
 * step. The database serializes each series to JSON, so the event loop handles one string per series.
 * `bench/activity.ts` measures the chart and its effect on `/v1/authorize`; if it no longer showed a difference, rows
 * could be read and serialized here.
 */
export async function readSeries(
  db: Queryable,
  workspaceId: string,
  dimension: ActivityGroup,
  span: RollupRange,
  maxKeys: number,
): Promise<{ readonly total: number; readonly series: Series[] }> {
  const engine = engineOf(db);
  // SQLite reads a whole row, including a large sketch, even to compare one column. The covering index contains no
  // sketches.
  const sketched = engine === 'sqlite' && dimension !== 'subject';
  const index = sketched ? sql`indexed by activity_rollup_chart` : sql``;
  const within = sketched ? sql`and kept.dimension in ('type', 'source')` : sql``;
  const counted = splitIntoRollups(span).map(
    ({ grain, from, to }) => sql`select key, count from activity_rollup as kept ${index}
      where workspace_id = ${workspaceId} ${within} and grain = ${grain} and dimension = ${dimension} and at >= ${from} and at < ${to}`,
  );
  const { rows: ranked } = await sql<{ key: string; total: number }>`
    select key, cast(sum(count) as bigint) as events, cast(sum(sum(count)) over () as bigint) as total
    from (${sql.join(counted, sql` union all `)}) as counted
    group by key order by events desc, key limit ${maxKeys}`.execute(db);
  if (ranked.length === 0) return { total: 0, series: [] };
  const requested = inlineTable(
    engine,
    [['key', 'text']],
    ranked.map(({ key }) => [key]),
  );
  // Steps are whole minutes.
  const instant =
    engine === 'sqlite'
      ? sql`strftime('%Y-%m-%dT%H:%M:%S.000Z', kept.at / 1000, 'unixepoch')`
      : sql`to_char(to_timestamp(kept.at / 1000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"')`;
  // Looks each point up by key: in index order, the points of one key are separated by those of all other keys.
  const { rows } = await sql<Series>`
    with recursive step (at) as (
      select cast(${span.from} as bigint)
      union all select at + ${sql.lit(INTERVALS[span.grain])} from step
        where at + ${sql.lit(INTERVALS[span.grain])} < cast(${span.to} as bigint)
    )
    select kept.key, string_agg('{"at":"' || ${instant} || '","count":' || kept.count || ',"subjects":' || kept.subjects || '}',
      ',' order by kept.at) as points
    from ${requested} as wanted cross join step cross join activity_rollup as kept ${index}
    where kept.workspace_id = ${workspaceId} ${within} and kept.grain = ${span.grain} and kept.dimension = ${dimension}
      and kept.at = step.at and kept.key = wanted.key
    group by kept.key`.execute(db);
  const byKey = new Map(rows.map((row) => [row.key, row.points]));
  return {
    total: ranked[0]?.total ?? 0,
    series: ranked.map(({ key }) => ({ key, points: byKey.get(key) ?? '' })),
  };
}
