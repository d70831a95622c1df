import { newestFirst, type PageRequest } from './paging.ts';
import type { WorkloadExchangeTable, WorkloadIdentityTable } from './schema/workloads.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

export async function insertWorkloadIdentity(trx: Trx, row: WorkloadIdentityTable): Promise<void> {
  await trx.insertInto('workload_identity').values(row).execute();
}

export async function countWorkloadIdentities(trx: Trx, workspaceId: string): Promise<number> {
  const { count } = await trx
    .selectFrom('workload_identity')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Returns a page of workload identities, newest first, up to one more than the limit. */
export async function listWorkloadIdentities(
  db: Queryable,
  workspaceId: string,
  page: PageRequest,
): Promise<WorkloadIdentityTable[]> {
  const query = db.selectFrom('workload_identity').selectAll().where('workspace_id', '=', workspaceId);
  return newestFirst(query, page).execute();
}

export async function findWorkloadIdentity(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<WorkloadIdentityTable | undefined> {
  return db
    .selectFrom('workload_identity')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Returns the workload identity of an exchange request. Not filtered by workspace: the ID determines the workspace. */
export async function findWorkloadIdentityById(db: Queryable, id: string): Promise<WorkloadIdentityTable | undefined> {
  return db.selectFrom('workload_identity').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Locks a workload identity until the transaction ends and returns it, or undefined if it does not exist. */
export async function lockWorkloadIdentity(
  trx: Trx,
  workspaceId: string,
  id: string,
): Promise<WorkloadIdentityTable | undefined> {
  const query = trx.selectFrom('workload_identity').selectAll().where('workspace_id', '=', workspaceId);
  return withRowLock(trx, query.where('id', '=', id), 'workload_identity').executeTakeFirst();
}

export async function updateWorkloadIdentity(
  trx: Trx,
  { workspace_id, id }: Pick<WorkloadIdentityTable, 'workspace_id' | 'id'>,
  set: Partial<Omit<WorkloadIdentityTable, 'id' | 'workspace_id'>>,
): Promise<void> {
  await trx
    .updateTable('workload_identity')
    .set(set)
    .where('workspace_id', '=', workspace_id)
    .where('id', '=', id)
    .execute();
}

/** Deletes a workload identity; the foreign key deletes its exchanges. */
export async function deleteWorkloadIdentity(trx: Trx, workspaceId: string, id: string): Promise<void> {
  await trx.deleteFrom('workload_identity').where('workspace_id', '=', workspaceId).where('id', '=', id).execute();
}

/** Adds an exchange, and deletes all but the newest `maxExchanges` exchanges of its identity with the same outcome. */
export async function insertExchange(trx: Trx, row: WorkloadExchangeTable, maxExchanges: number): Promise<void> {
  await trx.insertInto('workload_exchange').values(row).execute();
  const { workspace_id: workspaceId, identity_id: identityId, accepted } = row;
  const newestToDelete = trx
    .selectFrom('workload_exchange')
    .select('id')
    .where('identity_id', '=', identityId)
    .where('accepted', '=', accepted)
    .orderBy('id', 'desc')
    .offset(maxExchanges)
    .limit(1);
  await trx
    .deleteFrom('workload_exchange')
    .where('workspace_id', '=', workspaceId)
    .where('identity_id', '=', identityId)
    .where('accepted', '=', accepted)
    .where('id', '<=', newestToDelete)
    .execute();
}

/** Returns all recorded exchanges of an identity, newest first. */
export async function listExchanges(
  db: Queryable,
  workspaceId: string,
  identityId: string,
): Promise<WorkloadExchangeTable[]> {
  return db
    .selectFrom('workload_exchange')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('identity_id', '=', identityId)
    .orderBy('id', 'desc')
    .execute();
}

/**
 * Records a token as accepted. Returns false if it has already been accepted. If another node is accepting it at the
 * same time, the insert waits for that node's transaction.
 */
export async function insertAcceptedToken(
  trx: Trx,
  workspaceId: string,
  digest: Uint8Array,
  expiresAt: number,
): Promise<boolean> {
  const inserted = await trx
    .insertInto('workload_replay')
    .values({ workspace_id: workspaceId, digest, expires_at: expiresAt })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'digest']).doNothing())
    .returning('expires_at')
    .executeTakeFirst();
  return inserted !== undefined;
}

/** Deletes the records of accepted tokens that expired before `before`, in all workspaces. For housekeeping only. */
export async function deleteExpiredAcceptedTokens(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('workload_replay').where('expires_at', '<', before).execute();
}
