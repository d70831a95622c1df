import { sql } from 'kysely';
import type { PageRequest } from './paging.ts';
import { type AllowedResources, belongsToAllowedApp } from './resource-access.ts';
import type { ErrorKeyTable } from './schema/errors.ts';
import type { Queryable, Store, Trx } from './store.ts';

/** An error key with the slug of its app; null if it belongs to no app. */
export type ErrorKeyRow = ErrorKeyTable & { readonly app_slug: string | null };

function selectKeys(db: Queryable, workspaceId: string) {
  return db
    .selectFrom('error_key')
    .leftJoin('app', (join) =>
      join.onRef('app.id', '=', 'error_key.app_id').onRef('app.workspace_id', '=', 'error_key.workspace_id'),
    )
    .selectAll('error_key')
    .select('app.slug as app_slug')
    .where('error_key.workspace_id', '=', workspaceId);
}

export async function insertErrorKey(trx: Trx, row: ErrorKeyTable): Promise<void> {
  await trx.insertInto('error_key').values(row).execute();
}

export async function countErrorKeys(trx: Trx, workspaceId: string): Promise<number> {
  const { count } = await trx
    .selectFrom('error_key')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Returns a page of error keys, newest first, up to one more than the limit. */
export async function listErrorKeys(
  db: Queryable,
  workspaceId: string,
  allowed: AllowedResources | null,
  page: PageRequest,
): Promise<ErrorKeyRow[]> {
  let query = selectKeys(db, workspaceId);
  if (allowed !== null) query = query.where(belongsToAllowedApp('error_key.app_id', workspaceId, allowed));
  if (page.after !== null) {
    const { value, id } = page.after;
    query = query.where(sql<boolean>`(error_key.created_at, error_key.id) < (${value}, ${id})`);
  }
  return query
    .orderBy('error_key.created_at', 'desc')
    .orderBy('error_key.id', 'desc')
    .limit(page.limit + 1)
    .execute();
}

export async function findErrorKey(db: Queryable, workspaceId: string, id: string): Promise<ErrorKeyRow | undefined> {
  return selectKeys(db, workspaceId).where('error_key.id', '=', id).executeTakeFirst();
}

/**
 * Deletes one key, or all keys of an app, and returns their IDs and names. Lock the app before deleting its keys, so
 * that no key is created concurrently.
 */
export function deleteErrorKeys(
  trx: Trx,
  workspaceId: string,
  column: 'id' | 'app_id',
  id: string,
): Promise<{ id: string; name: string }[]> {
  const keys = trx.deleteFrom('error_key').where('workspace_id', '=', workspaceId).where(column, '=', id);
  return keys.returning(['id', 'name']).execute();
}

/** The columns of a key that are needed to accept an envelope. */
export interface IngestKeyRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly allowed_origins: string;
  readonly app_slug: string | null;
}

const BY_PUBLIC_KEY = `select error_key.id, error_key.workspace_id, error_key.allowed_origins, app.slug as app_slug
  from error_key left join app on app.id = error_key.app_id where error_key.public_key = ?`;

/**
 * Returns the error key with this `public_key`, or undefined. Not filtered by workspace: the key determines the
 * workspace. Read for every envelope, so a deleted key stops working immediately.
 */
export function findErrorKeyByPublicKey(store: Store, publicKey: string): Promise<IngestKeyRow | undefined> {
  return store.queryFirst<IngestKeyRow>(BY_PUBLIC_KEY, [publicKey]);
}
