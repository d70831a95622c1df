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

/** Returns resources whose schedule is due, the longest overdue first, in every workspace. */
export async function dueSchedules(
  db: Queryable,
  schedule: Schedule,
  now: number,
  limit: number,
): Promise<{ id: string; workspace_id: string }[]> {
  const { table, column } = SCHEDULES[schedule];
  const next = sql.ref(column);
  const { rows } = await sql<{ id: string; workspace_id: string }>`select id, workspace_id from ${sql.table(table)}
    where ${next} <= ${now} order by ${next} limit ${limit}`.execute(db);
  return rows;
}

/**
 * Returns a scheduled resource and locks its row until the transaction ends, so that only one node starts the work that
 * is due. Returns undefined if it does not exist.
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
  schedule: Schedule,
  workspaceId: string,
  id: string,
  nextDueAt: number | null,
): Promise<void> {
  const { table, column } = SCHEDULES[schedule];
  await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${nextDueAt}
    where workspace_id = ${workspaceId} and id = ${id}`.execute(trx);
}
