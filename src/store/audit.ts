import { sql } from 'kysely';
import type { PageRequest } from './paging.ts';
import type { AuditEventTable } from './schema/audit.ts';
import type { Queryable, Trx } from './store.ts';

/** The previous hash of a workspace's first event. */
export const GENESIS_HASH = '0'.repeat(64);

export interface AuditFilter {
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly target?: string | undefined;
  readonly credential?: string | undefined;
  /** Epoch milliseconds, inclusive. */
  readonly from?: number | undefined;
  /** Epoch milliseconds, exclusive. */
  readonly to?: number | undefined;
}

/**
 * Reserves the next sequence number of a workspace's activity log and locks the log until the transaction ends. Returns
 * the sequence number, and the hash of the previous event.
 */
export async function advanceAuditHead(trx: Trx, workspaceId: string): Promise<{ sequence: number; hash: string }> {
  return trx
    .insertInto('audit_head')
    .values({ workspace_id: workspaceId, sequence: 1, hash: GENESIS_HASH })
    .onConflict((conflict) =>
      conflict.column('workspace_id').doUpdateSet({ sequence: sql<number>`audit_head.sequence + 1` }),
    )
    .returning(['sequence', 'hash'])
    .executeTakeFirstOrThrow();
}

/**
 * Returns the sequence number of the last event in a workspace's activity log; 0 if there is none. It increases with
 * every recorded change.
 */
export async function findAuditSequence(db: Queryable, workspaceId: string): Promise<number> {
  const head = db.selectFrom('audit_head').select('sequence').where('workspace_id', '=', workspaceId);
  return (await head.executeTakeFirst())?.sequence ?? 0;
}

/**
 * Locks a workspace's activity log until the transaction ends; recording a change acquires the same lock. Every
 * transaction that changes notices acquires it first, so that no notice is based on a state that a concurrent
 * transaction is changing.
 */
export async function lockAuditHead(trx: Trx, workspaceId: string): Promise<void> {
  await trx
    .insertInto('audit_head')
    .values({ workspace_id: workspaceId, sequence: 0, hash: GENESIS_HASH })
    .onConflict((conflict) =>
      conflict.column('workspace_id').doUpdateSet({ sequence: sql<number>`audit_head.sequence` }),
    )
    .execute();
}

export async function insertAuditEvent(trx: Trx, row: AuditEventTable): Promise<void> {
  await trx.insertInto('audit_event').values(row).execute();
  await trx.updateTable('audit_head').set({ hash: row.hash }).where('workspace_id', '=', row.workspace_id).execute();
}

/** Returns events, newest first, up to one more than the limit. */
export async function listAuditEvents(
  db: Queryable,
  workspaceId: string,
  filter: AuditFilter,
  page: PageRequest,
): Promise<AuditEventTable[]> {
  let query = db.selectFrom('audit_event').selectAll().where('workspace_id', '=', workspaceId);
  if (filter.action !== undefined) query = query.where('action', '=', filter.action);
  if (filter.actor !== undefined) query = query.where('actor_id', '=', filter.actor);
  if (filter.target !== undefined) query = query.where('target_id', '=', filter.target);
  if (filter.credential !== undefined) query = query.where('credential_id', '=', filter.credential);
  if (filter.from !== undefined) query = query.where('at', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('at', '<', filter.to);
  if (page.after !== null) query = query.where('sequence', '<', Number(page.after.value));
  return query
    .orderBy('sequence', 'desc')
    .limit(page.limit + 1)
    .execute();
}

/** Returns the events after `sequence`, in the order in which they were written. */
export async function readAuditChain(
  db: Queryable,
  workspaceId: string,
  sequence: number,
  limit: number,
): Promise<AuditEventTable[]> {
  return db
    .selectFrom('audit_event')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('sequence', '>', sequence)
    .orderBy('sequence')
    .limit(limit)
    .execute();
}

/**
 * Returns the newest sequence number and hash of every workspace's log. Not filtered by workspace: used only to verify
 * all logs.
 */
export async function listAuditHeads(
  db: Queryable,
): Promise<{ workspace_id: string; sequence: number; hash: string }[]> {
  return db.selectFrom('audit_head').selectAll().orderBy('workspace_id').execute();
}
