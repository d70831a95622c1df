import { sql } from 'kysely';
import type { Queryable, Trx } from './store.ts';

/**
 * The schedules, by what they start: the table of the resources with the schedule, and the column of its next due time.
 */
const SCHEDULES = {
  backup: { table: 'app', column: 'next_backup_at' },
  verification: { table: 'app', column: 'next_verification_at' },
  run: { table: 'script', column: 'next_run_at' },
} as const;
type Schedule = keyof typeof SCHEDULES;

/** Returns the resources whose `schedule` is due, the longest overdue first. Not filtered by workspace. */
export async function listDueResources(
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

/** Sets the next due time (epoch milliseconds); null for never. */
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
