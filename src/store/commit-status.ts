import type { CommitStatusTable } from './schema/resources.ts';
import type { Queryable, Trx } from './store.ts';

type AppKey = Pick<CommitStatusTable, 'workspace_id' | 'app_id'>;

export async function replaceCommitStatusRow(trx: Trx, row: CommitStatusTable): Promise<void> {
  await trx
    .insertInto('commit_status')
    .values(row)
    .onConflict((conflict) => conflict.column('app_id').doUpdateSet(row))
    .execute();
}

export function findCommitStatusRow(
  db: Queryable,
  workspaceId: string,
  appId: string,
): Promise<CommitStatusTable | undefined> {
  return db
    .selectFrom('commit_status')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('app_id', '=', appId)
    .executeTakeFirst();
}

export async function setCommitStatusError(trx: Trx, key: AppKey, error: string | null): Promise<void> {
  await trx
    .updateTable('commit_status')
    .set({ error })
    .where('workspace_id', '=', key.workspace_id)
    .where('app_id', '=', key.app_id)
    .execute();
}

export async function deleteCommitStatusRow(trx: Trx, { workspace_id, app_id }: AppKey): Promise<void> {
  await trx.deleteFrom('commit_status').where('workspace_id', '=', workspace_id).where('app_id', '=', app_id).execute();
}
