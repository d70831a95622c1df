import type { BackupKeyTable } from './schema/backups.ts';
import type { Queryable, Trx } from './store.ts';

const selectBackupKeys = (db: Queryable, workspaceId: string) =>
  db.selectFrom('backup_key').selectAll().where('workspace_id', '=', workspaceId);

/** Returns the key that encrypts the workspace's new backups; undefined before its first backup. */
export async function findCurrentBackupKey(db: Queryable, workspaceId: string): Promise<BackupKeyTable | undefined> {
  return selectBackupKeys(db, workspaceId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function findBackupKey(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<BackupKeyTable | undefined> {
  return selectBackupKeys(db, workspaceId).where('id', '=', id).executeTakeFirst();
}

export async function countBackupKeys(db: Queryable, workspaceId: string): Promise<number> {
  return (await selectBackupKeys(db, workspaceId).execute()).length;
}

export async function insertBackupKey(trx: Trx, row: BackupKeyTable): Promise<void> {
  await trx.insertInto('backup_key').values(row).execute();
}

/**
 * Deletes keys that were created before `before` (epoch milliseconds) and that no stored object needs. Never deletes
 * the newest key: a backup that is starting may have read the key without storing a reference to it yet.
 */
export async function deleteUnusedBackupKeys(trx: Trx, workspaceId: string, before: number): Promise<void> {
  const newest = await findCurrentBackupKey(trx, workspaceId);
  await trx
    .deleteFrom('backup_key')
    .where('workspace_id', '=', workspaceId)
    .where('created_at', '<', before)
    .where('id', '!=', newest?.id ?? '')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('stored_object').select('id').whereRef('stored_object.key_id', '=', 'backup_key.id'))),
    )
    .execute();
}
