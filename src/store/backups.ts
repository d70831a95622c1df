import { sql } from 'kysely';
import { UNFINISHED_STATUSES } from '../contract/platform-vocabulary.ts';
import { escapeLikePattern } from './like-pattern.ts';
import { newestFirst, type PageRequest } from './paging.ts';
import { type AllowedResources, belongsToAllowedApp } from './resource-access.ts';
import type { BackupTable, RestoreTable, StoredObjectTable } from './schema/backups.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

export async function insertBackup(trx: Trx, row: BackupTable): Promise<void> {
  await trx.insertInto('backup').values(row).execute();
}

/** Returns an app's backups, newest first, up to one more than the limit. */
export async function listBackups(
  db: Queryable,
  workspaceId: string,
  appId: string,
  status: string | undefined,
  page: PageRequest,
): Promise<BackupTable[]> {
  let query = db.selectFrom('backup').selectAll().where('workspace_id', '=', workspaceId).where('app_id', '=', appId);
  if (status !== undefined) query = query.where('status', '=', status);
  return newestFirst(query, page).execute();
}

/** Locks a backup's row until the transaction ends, so that no other transaction deletes or restores the backup. */
export async function lockBackup(trx: Trx, workspaceId: string, id: string): Promise<void> {
  const query = trx.selectFrom('backup').select('id').where('workspace_id', '=', workspaceId).where('id', '=', id);
  await withRowLock(trx, query, 'backup').execute();
}

export async function deleteBackupRow(trx: Trx, workspaceId: string, id: string): Promise<void> {
  await trx.deleteFrom('backup').where('workspace_id', '=', workspaceId).where('id', '=', id).execute();
}

/** Returns whether a backup of an app is pending or running. */
export async function hasUnfinishedBackup(db: Queryable, workspaceId: string, appId: string): Promise<boolean> {
  const row = await db
    .selectFrom('backup')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('app_id', '=', appId)
    .where('status', 'in', [...UNFINISHED_STATUSES])
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Returns the number of an app's backups, restores and verifications that are pending or running. */
export async function countUnfinishedBackupWork(db: Queryable, workspaceId: string, appId: string): Promise<number> {
  let count = 0;
  for (const table of ['backup', 'restore'] as const) {
    const row = await db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('workspace_id', '=', workspaceId)
      .where('app_id', '=', appId)
      .where('status', 'in', [...UNFINISHED_STATUSES])
      .executeTakeFirstOrThrow();
    count += Number(row.count);
  }
  return count;
}

/** Returns an app's backups that have stored data, completed or found to be damaged, newest first. */
export async function listStoredBackups(db: Queryable, workspaceId: string, appId: string): Promise<BackupTable[]> {
  return db
    .selectFrom('backup')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('app_id', '=', appId)
    .where('status', 'in', ['completed', 'failed'])
    .where('sha256', 'is not', null)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
}

// Restores

export async function insertRestore(trx: Trx, row: RestoreTable): Promise<void> {
  await trx.insertInto('restore').values(row).execute();
}

/** The latest restore and the latest verification of a backup. */
export interface LatestRestores {
  readonly restore?: RestoreTable | undefined;
  readonly verification?: RestoreTable | undefined;
}

/**
 * Returns, by backup ID, the latest restore into an allowed app and the latest verification. Backups without either are
 * omitted.
 */
export async function findLatestRestores(
  db: Queryable,
  workspaceId: string,
  backupIds: readonly string[],
  allowed: AllowedResources | null = null,
): Promise<Map<string, LatestRestores>> {
  if (backupIds.length === 0) return new Map();
  let query = db
    .selectFrom('restore')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('backup_id', 'in', [...backupIds]);
  if (allowed !== null) query = query.where(belongsToAllowedApp('restore.app_id', workspaceId, allowed));
  const rows = await query.orderBy('created_at').orderBy('id').execute();
  const latest = new Map<string, LatestRestores>();
  for (const row of rows) {
    const key = row.purpose === 'verification' ? 'verification' : 'restore';
    latest.set(row.backup_id, { ...latest.get(row.backup_id), [key]: row });
  }
  return latest;
}

export async function setVerified(trx: Trx, workspaceId: string, id: string, verifiedAt: number): Promise<void> {
  await trx
    .updateTable('backup')
    .set({ verified_at: verifiedAt })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .execute();
}

// Stored objects

export async function insertStoredObject(trx: Trx, row: StoredObjectTable): Promise<void> {
  await trx.insertInto('stored_object').values(row).execute();
}

/** Stores the ID of the unfinished multipart upload of an object; null when it has ended. */
export async function setUpload(trx: Trx, workspaceId: string, id: string, upload: string | null): Promise<void> {
  await trx
    .updateTable('stored_object')
    .set({ upload })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .execute();
}

export async function findStoredObject(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<StoredObjectTable | undefined> {
  return db
    .selectFrom('stored_object')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function deleteStoredObject(trx: Trx, workspaceId: string, id: string): Promise<void> {
  await trx.deleteFrom('stored_object').where('workspace_id', '=', workspaceId).where('id', '=', id).execute();
}

/**
 * Returns objects that no backup needs, because the backup failed, or it or its workspace was deleted. Only objects
 * whose `place` starts with a prefix are returned.
 */
export async function listOrphanedObjects(
  db: Queryable,
  placePrefix: string,
  limit: number,
): Promise<StoredObjectTable[]> {
  const pattern = `${escapeLikePattern(placePrefix)}%`;
  const { rows } = await sql<StoredObjectTable>`select stored_object.* from stored_object
    left join backup on backup.id = stored_object.id
    where place like ${pattern} escape '\\'
      and (backup.id is null or (backup.sha256 is null and backup.status not in ('pending', 'processing')))
    order by stored_object.created_at, stored_object.id limit ${limit}`.execute(db);
  return rows;
}

/**
 * Deletes the rows of restores, and of backups without a stored object, that finished before `before` (epoch
 * milliseconds).
 */
export async function deleteOldBackupWork(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('backup').where('finished_at', '<', before).where('sha256', 'is', null).execute();
  await trx.deleteFrom('restore').where('finished_at', '<', before).execute();
}

/**
 * Returns pending restores and verifications of all workspaces that were created before `before` (epoch milliseconds).
 */
export async function listStaleRestores(
  db: Queryable,
  before: number,
  limit: number,
): Promise<{ id: string; workspace_id: string }[]> {
  return db
    .selectFrom('restore')
    .select(['id', 'workspace_id'])
    .where('status', '=', 'pending')
    .where('created_at', '<', before)
    .limit(limit)
    .execute();
}
