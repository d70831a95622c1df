import { sql } from 'kysely';
import type { Queryable, Trx } from './store.ts';

// Access tokens that were issued for a workload identity or in exchange for another access token.

/** Counts the tokens issued for `issuedBy` that have not expired at `now`, at most `limit`. */
export async function countLiveIssued(
  db: Queryable,
  workspaceId: string,
  issuedBy: string,
  now: number,
  limit: number,
): Promise<number> {
  const live = db
    .selectFrom('credential')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('issued_by', '=', issuedBy)
    .where('expires_at', '>', now)
    .limit(limit);
  const { count } = await db
    .selectFrom(live.as('live'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Deletes the tokens that were issued in exchange for an access token, and returns them. */
export async function deleteExchangedTokens(
  trx: Trx,
  workspaceId: string,
  parentId: string,
): Promise<{ id: string; name: string; digest: Uint8Array }[]> {
  return trx
    .deleteFrom('credential')
    .where('workspace_id', '=', workspaceId)
    .where('issued_by', '=', parentId)
    .returning(['id', 'name', 'digest'])
    .execute();
}

/**
 * Deletes all tokens issued for a workload identity, and all tokens issued in exchange for those tokens. Returns the
 * number of deleted tokens. Locks the tokens of the identity first, so that tokens that are being issued in exchange
 * for them are deleted too.
 */
export async function deleteIssuedForWorkload(trx: Trx, workspaceId: string, identityId: string): Promise<number> {
  const { rows: locked } = await sql<{ id: string }>`update credential set updated_at = updated_at
    where workspace_id = ${workspaceId} and issued_by = ${identityId} returning id`.execute(trx);
  if (locked.length === 0) return 0;
  const issued = trx
    .selectFrom('credential as parent')
    .select('parent.id')
    .where('parent.workspace_id', '=', workspaceId)
    .where('parent.issued_by', '=', identityId);
  const children = await trx
    .deleteFrom('credential')
    .where('workspace_id', '=', workspaceId)
    .where('issued_by', 'in', issued)
    .returning('id')
    .execute();
  await trx
    .deleteFrom('credential')
    .where('workspace_id', '=', workspaceId)
    .where('issued_by', '=', identityId)
    .execute();
  return locked.length + children.length;
}

/**
 * Deletes up to `limit` issued tokens that expired before `before` (epoch milliseconds). Returns the number of deleted
 * tokens. Used only by housekeeping.
 */
export async function deleteExpiredIssued(trx: Trx, before: number, limit: number): Promise<number> {
  const expired = trx
    .selectFrom('credential')
    .select('id')
    .where('issued_by', 'is not', null)
    .where('expires_at', '<', before)
    .limit(limit);
  const deleted = await trx.deleteFrom('credential').where('id', 'in', expired).returning('id').execute();
  return deleted.length;
}
