import { sql } from 'kysely';
import { type Column, inlineTable } from './inline-table.ts';
import type { PageRequest } from './paging.ts';
import type { ActivityEventTable, ActivityRollupTable } from './schema/activity.ts';
import type { Queryable, Store, Trx } from './store.ts';

/**
 * Reserves `count` sequence numbers of a workspace and locks its counter until the transaction ends. Returns the last
 * reserved number.
 */
export async function reserveActivitySequence(trx: Trx, workspaceId: string, count: number): Promise<number> {
  const { sequence } = await trx
    .insertInto('activity_head')
    .values({ workspace_id: workspaceId, sequence: count })
    .onConflict((conflict) =>
      conflict
        .column('workspace_id')
        .doUpdateSet({ sequence: sql<number>`activity_head.sequence + excluded.sequence` }),
    )
    .returning('sequence')
    .executeTakeFirstOrThrow();
  return sequence;
}

const EVENT_COLUMNS: readonly Column[] = [
  ['source', 'text'],
  ['id', 'text'],
  ['sequence', 'bigint'],
  ['type', 'text'],
  ['subject', 'text'],
  ['at', 'bigint'],
  ['data', 'text'],
  ['attributes', 'text'],
];

/**
 * Stores the events whose source and ID are new to the workspace. Returns the sequence numbers of the stored events.
 */
export async function insertActivity(
  trx: Trx,
  engine: Store['engine'],
  workspaceId: string,
  receivedAt: number,
  events: readonly Omit<ActivityEventTable, 'workspace_id' | 'received_at'>[],
): Promise<Set<number>> {
  const rows = events.map((event) => [
    event.source,
    event.id,
    event.sequence,
    event.type,
    event.subject,
    event.at,
    event.data,
    event.attributes,
  ]);
  // `where true`, because SQLite would parse `on conflict` as the condition of a join otherwise.
  const { rows: inserted } = await sql<{ sequence: number }>`
    insert into activity_event (workspace_id, received_at, source, id, sequence, type, subject, at, data, attributes)
    select ${workspaceId}, cast(${receivedAt} as bigint), source, id, sequence, type, subject, at, data, attributes
    from ${inlineTable(engine, EVENT_COLUMNS, rows)} as sent where true
    on conflict do nothing
    returning sequence`.execute(trx);
  return new Set(inserted.map(({ sequence }) => sequence));
}

export type Rollup = Omit<ActivityRollupTable, 'workspace_id'>;
type RollupKey = Pick<Rollup, 'grain' | 'dimension' | 'at' | 'key'>;

/** Reads the existing sketches of roll-ups. `cross join` makes SQLite look up each roll-up by its key. */
export async function readSketches(
  trx: Trx,
  engine: Store['engine'],
  workspaceId: string,
  keys: readonly RollupKey[],
): Promise<(RollupKey & { readonly sketch: string })[]> {
  const columns: readonly Column[] = [
    ['grain', 'text'],
    ['dimension', 'text'],
    ['at', 'bigint'],
    ['key', 'text'],
  ];
  const rows = keys.map((key) => [key.grain, key.dimension, key.at, key.key]);
  const { rows: found } = await sql<RollupKey & { readonly sketch: string }>`
    select rollup.grain, rollup.dimension, rollup.at, rollup.key, rollup.sketch
    from ${inlineTable(engine, columns, rows)} as requested
    cross join activity_rollup as rollup where rollup.workspace_id = ${workspaceId} and rollup.grain = requested.grain
      and rollup.dimension = requested.dimension and rollup.at = requested.at and rollup.key = requested.key
      and rollup.sketch is not null`.execute(trx);
  return found;
}

const ROLLUP_COLUMNS: readonly Column[] = [
  ['grain', 'text'],
  ['dimension', 'text'],
  ['at', 'bigint'],
  ['key', 'text'],
  ['count', 'bigint'],
  ['subjects', 'bigint'],
  ['sketch', 'text'],
];

/** Adds to the event counts of roll-ups and overwrites their subject counts and sketches. */
export async function addToRollups(
  trx: Trx,
  engine: Store['engine'],
  workspaceId: string,
  rollups: readonly Rollup[],
): Promise<void> {
  const rows = rollups.map((rollup) => [
    rollup.grain,
    rollup.dimension,
    rollup.at,
    rollup.key,
    rollup.count,
    rollup.subjects,
    rollup.sketch,
  ]);
  // `where true` as in `insertActivity`.
  await sql`
    insert into activity_rollup (workspace_id, grain, dimension, at, key, count, subjects, sketch)
    select ${workspaceId}, grain, dimension, at, key, count, subjects, sketch
    from ${inlineTable(engine, ROLLUP_COLUMNS, rows)} as added where true
    on conflict (workspace_id, grain, dimension, at, key) do update set
      count = activity_rollup.count + excluded.count,
      subjects = excluded.subjects, sketch = excluded.sketch`.execute(trx);
}

export interface ActivityFilter {
  readonly type?: string | undefined;
  readonly source?: string | undefined;
  readonly subject?: string | undefined;
  /** Epoch milliseconds, inclusive. */
  readonly from?: number | undefined;
  /** Epoch milliseconds, exclusive. */
  readonly to?: number | undefined;
}

/** Returns events, newest first, up to one more than the limit. */
export async function listActivity(
  db: Queryable,
  workspaceId: string,
  filter: ActivityFilter,
  page: PageRequest,
): Promise<ActivityEventTable[]> {
  let query = db.selectFrom('activity_event').selectAll().where('workspace_id', '=', workspaceId);
  if (filter.type !== undefined) query = query.where('type', '=', filter.type);
  if (filter.source !== undefined) query = query.where('source', '=', filter.source);
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
  if (filter.from !== undefined) query = query.where('at', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('at', '<', filter.to);
  if (page.after !== null) {
    query = query.where(sql<boolean>`(at, sequence) < (${page.after.value}, ${Number(page.after.id)})`);
  }
  return query
    .orderBy('at', 'desc')
    .orderBy('sequence', 'desc')
    .limit(page.limit + 1)
    .execute();
}

/**
 * Returns the IDs of workspaces that have ever received events. Not filtered by workspace: used only by housekeeping.
 */
export async function listWorkspacesWithActivity(db: Queryable): Promise<string[]> {
  const rows = await db.selectFrom('activity_head').select('workspace_id').orderBy('workspace_id').execute();
  return rows.map((row) => row.workspace_id);
}

/**
 * Deletes at most `limit` events and `limit` roll-ups older than `before`. Returns whether either limit was reached,
 * so that more may remain.
 */
export async function deleteOldActivity(
  trx: Trx,
  workspaceId: string,
  before: number,
  limit: number,
): Promise<boolean> {
  const events = await sql`delete from activity_event where workspace_id = ${workspaceId} and (at, sequence) in (
    select at, sequence from activity_event where workspace_id = ${workspaceId} and at < ${before} limit ${limit})`.execute(
    trx,
  );
  const rollups = await sql`delete from activity_rollup where workspace_id = ${workspaceId}
    and (grain, dimension, at, key) in (
    select grain, dimension, at, key from activity_rollup where workspace_id = ${workspaceId}
      and grain in ('minute', 'hour', 'day') and dimension in ('type', 'source', 'subject')
      and at < ${before} limit ${limit})`.execute(trx);
  return Number(events.numAffectedRows ?? 0) >= limit || Number(rollups.numAffectedRows ?? 0) >= limit;
}
