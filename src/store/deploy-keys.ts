import type { DeployKeyTable } from './schema/resources.ts';
import type { Queryable, Trx } from './store.ts';

/** Sets the key pair of an app. */
export async function replaceDeployKey(trx: Trx, row: DeployKeyTable): Promise<void> {
  await trx
    .insertInto('deploy_key')
    .values(row)
    .onConflict((conflict) => conflict.column('app_id').doUpdateSet(row))
    .execute();
}

export function findDeployKeyRow(
  db: Queryable,
  workspaceId: string,
  appId: string,
): Promise<DeployKeyTable | undefined> {
  return db
    .selectFrom('deploy_key')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('app_id', '=', appId)
    .executeTakeFirst();
}

/** Returns whether the app had a key pair. */
export async function deleteDeployKeyRow(trx: Trx, workspaceId: string, appId: string): Promise<boolean> {
  const { numDeletedRows } = await trx
    .deleteFrom('deploy_key')
    .where('workspace_id', '=', workspaceId)
    .where('app_id', '=', appId)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}
