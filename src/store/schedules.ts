import { sql } from 'kysely';
import type { ResourceRows } from './resources.ts';
import { engineOf, type Queryable, type Trx } from './store.ts';

/** The resources that can have a schedule, and the column with its next due time. */
const NEXT_DUE_COLUMN = { app: 'next_backup_at', script: 'next_run_at' } as const;
export type ScheduledKind = keyof typeof NEXT_DUE_COLUMN;

/** Returns resources whose schedule is due, the longest overdue first, in every workspace. */
export async function dueSchedules(
  db: Queryable,
  kind: ScheduledKind,
  now: number,
  limit: number,
): Promise<{ id: string; workspace_id: string }[]> {
  const next = sql.ref(NEXT_DUE_COLUMN[kind]);
  const { rows } = await sql<{ id: string; workspace_id: string }>`select id, workspace_id from ${sql.table(kind)}
    where ${next} <= ${now} order by ${next} limit ${limit}`.execute(db);
  return rows;
}

/**
 * Returns a scheduled resource and locks its row until the transaction ends, so that only one node starts what is due;
 * or undefined.
 */
export async function lockScheduled<Noun extends ScheduledKind>(
  trx: Trx,
  kind: Noun,
  workspaceId: string,
  id: string,
): Promise<ResourceRows[Noun] | undefined> {
  // The embedded store has one writer and needs no locks.
  const lock = engineOf(trx) === 'postgres' ? sql`for update` : sql``;
  const { rows } = await sql<ResourceRows[Noun]>`select * from ${sql.table(kind)}
    where workspace_id = ${workspaceId} and id = ${id} ${lock}`.execute(trx);
  return rows[0];
}

/** Sets the next due time; null for never. */
export async function setNextDueTime(
  trx: Trx,
  kind: ScheduledKind,
  workspaceId: string,
  id: string,
  nextDueAt: number | null,
): Promise<void> {
  await sql`update ${sql.table(kind)} set ${sql.ref(NEXT_DUE_COLUMN[kind])} = ${nextDueAt}
    where workspace_id = ${workspaceId} and id = ${id}`.execute(trx);
}
