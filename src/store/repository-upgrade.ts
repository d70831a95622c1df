import type { DeploymentTable } from './schema/deployments.ts';
import type { AppTable } from './schema/resources.ts';
import type { Queryable, Trx } from './store.ts';

/**
 * Returns apps whose repository URL has a user, a query or a fragment, which may be secrets. Not filtered by workspace:
 * part of the upgrade at start.
 */
export async function listAppsWithPossibleSecretInUrl(db: Queryable): Promise<AppTable[]> {
  return db
    .selectFrom('app')
    .selectAll()
    .where((eb) => eb.or(['%://%@%', '%?%', '%#%'].map((pattern) => eb('repository', 'like', pattern))))
    .execute();
}

type PlanRow = Pick<DeploymentTable, 'workspace_id' | 'id' | 'plan'>;

/** Returns the plans of unfinished deployments. Not filtered by workspace: part of the upgrade at start. */
export async function listUnfinishedPlans(db: Queryable): Promise<PlanRow[]> {
  return db
    .selectFrom('deployment')
    .select(['workspace_id', 'id', 'plan'])
    .where('status', 'in', ['pending', 'processing'])
    .where('plan', 'is not', null)
    .execute();
}

export async function replacePlan(trx: Trx, { workspace_id, id, plan }: PlanRow): Promise<void> {
  await trx
    .updateTable('deployment')
    .set({ plan })
    .where('workspace_id', '=', workspace_id)
    .where('id', '=', id)
    .where('status', 'in', ['pending', 'processing'])
    .execute();
}

/** Replaces the repository of an app; returns false if it has changed since `app` was read. */
export async function replaceRepository(
  trx: Trx,
  { workspace_id, id, repository }: AppTable,
  set: Pick<AppTable, 'repository' | 'repository_user' | 'repository_password_sealed' | 'updated_at'>,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('app')
    .set(set)
    .where('workspace_id', '=', workspace_id)
    .where('id', '=', id)
    .where('repository', '=', repository)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
