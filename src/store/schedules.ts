import { sql } from 'kysely';
import type { ResourceRows } from './resources.ts';
import { engineOf, type Queryable, type Trx } from './store.ts';

/** The table of the resources with each schedule, and the column with the next due time. */
const SCHEDULES = {
  app: { table: 'app', column: 'next_backup_at' },
  verification: { table: 'app', column: 'next_verification_at' },
  script: { table: 'script', column: 'next_run_at' },
} as const;
export type Schedule = keyof typeof SCHEDULES;
type ScheduledKind = (typeof SCHEDULES)[Schedule]['table'];

/** Returns resources whose schedule is due, the longest overdue first. Not filtered by workspace. */
export async function listDueSchedules(
  db: Queryable,
  schedule: Schedule,
  now: number,
  limit: number,
): Promise<{ id: string; workspace_id: string }[]> {
  const { table, column } = SCHEDULES[schedule];
  const nextDueAt = sql.ref(column);
  const { rows } = await sql<{ id: string; workspace_id: string }>`select id, workspace_id from ${sql.table(table)}
    where ${nextDueAt} <= ${now} order by ${nextDueAt} limit ${limit}`.execute(db);
  return rows;
}

/**
 * Locks a scheduled resource until the transaction ends and returns it, or undefined if it does not exist. Because of
 * the lock, only one node starts the work that is due.
 */
export async function lockScheduled<Kind extends ScheduledKind>(
  trx: Trx,
  kind: Kind,
  workspaceId: string,
  id: string,
): Promise<ResourceRows[Kind] | undefined> {
  // The embedded store has one writer and needs no locks.
  const lock = engineOf(trx) === 'postgres' ? sql`for update` : sql``;
  const { rows } = await sql<ResourceRows[Kind]>`select * from ${sql.table(kind)}
    where workspace_id = ${workspaceId} and id = ${id} ${lock}`.execute(trx);
  return rows[0];
}

/** Sets the next due time; null for never. */
export async function setNextDueTime(
  trx: Trx,
  schedule: Schedule,
  workspaceId: string,
  id: string,
  nextDueAt: number | null,
): Promise<void> {
  const { table, column } = SCHEDULES[schedule];
  await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${nextDueAt}
    where workspace_id = ${workspaceId} and id = ${id}`.execute(trx);
}
