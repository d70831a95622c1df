import { sql } from 'kysely';
import type { ResourceRows } from './resources.ts';
import { engineOf, type Queryable, type Trx } from './store.ts';

/** What has a schedule, and where it keeps when that is due next. */
const NEXT_DUE_COLUMN = { app: 'next_backup_at', script: 'next_run_at' } as const;
export type ScheduledKind = keyof typeof NEXT_DUE_COLUMN;

/** Those whose time has come, the longest due first, in every workspace. */
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

/** One of them, held until the transaction ends: of several nodes one sees that it is due, or that nothing is at work. */
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

/** Sets when it is due next, null for never. */
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
