import type { BackupKeyTable } from './schema/backups.ts';
import type { Queryable, Trx } from './store.ts';

const ofWorkspace = (db: Queryable, workspaceId: string) =>
  db.selectFrom('backup_key').selectAll().where('workspace_id', '=', workspaceId);

/** Returns the key that encrypts the workspace's new backups; undefined before its first backup. */
export async function findCurrentBackupKey(db: Queryable, workspaceId: string): Promise<BackupKeyTable | undefined> {
  return ofWorkspace(db, workspaceId).orderBy('created_at', 'desc').orderBy('id', 'desc').limit(1).executeTakeFirst();
}

export async function findBackupKey(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<BackupKeyTable | undefined> {
  return ofWorkspace(db, workspaceId).where('id', '=', id).executeTakeFirst();
}

export async function countBackupKeys(db: Queryable, workspaceId: string): Promise<number> {
  return (await ofWorkspace(db, workspaceId).execute()).length;
}

export async function insertBackupKey(trx: Trx, row: BackupKeyTable): Promise<void> {
  await trx.insertInto('backup_key').values(row).execute();
}

/** Deletes keys that were created before `before` (epoch milliseconds) and that no stored object needs. */
export async function deleteUnusedBackupKeys(trx: Trx, workspaceId: string, before: number): Promise<void> {
  await trx
    .deleteFrom('backup_key')
    .where('workspace_id', '=', workspaceId)
    .where('created_at', '<', before)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('stored_object').select('id').whereRef('stored_object.key_id', '=', 'backup_key.id'))),
    )
    .execute();
}
