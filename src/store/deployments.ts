import type { PageRequest } from './paging.ts';
import { type AllowedResources, belongsToAllowedApp } from './resource-access.ts';
import type { DeploymentServerTable, DeploymentTable } from './schema/deployments.ts';
import { type Queryable, type Trx, withRowLock } from './store.ts';

export interface DeploymentFilter {
  readonly appId?: string | undefined;
  readonly status?: string | undefined;
  /** If true, only deployments whose release their app runs. */
  readonly live?: boolean | undefined;
  /** Only deployments that a restricted credential may access; null for all. */
  readonly allowed?: AllowedResources | null;
}

export async function insertDeployment(
  trx: Trx,
  deployment: DeploymentTable,
  servers: readonly DeploymentServerTable[],
): Promise<void> {
  await trx.insertInto('deployment').values(deployment).execute();
  await trx.insertInto('deployment_server').values(servers).execute();
}

export async function findDeployment(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<DeploymentTable | undefined> {
  return db
    .selectFrom('deployment')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Locks a deployment's row until the transaction ends and returns it, or undefined if it does not exist. */
export async function lockDeployment(trx: Trx, workspaceId: string, id: string): Promise<DeploymentTable | undefined> {
  return withRowLock(
    trx,
    trx.selectFrom('deployment').selectAll().where('workspace_id', '=', workspaceId).where('id', '=', id),
    'deployment',
  ).executeTakeFirst();
}

/** Returns deployments, newest first, up to one more than the limit. */
export async function listDeploymentRows(
  db: Queryable,
  workspaceId: string,
  filter: DeploymentFilter,
  page: PageRequest,
): Promise<DeploymentTable[]> {
  const { appId, status, live, allowed = null } = filter;
  let query = db.selectFrom('deployment').selectAll().where('workspace_id', '=', workspaceId);
  if (appId !== undefined) query = query.where('app_id', '=', appId);
  if (status !== undefined) query = query.where('status', '=', status);
  if (allowed !== null) query = query.where(belongsToAllowedApp('deployment.app_id', workspaceId, allowed));
  if (live) query = query.where('live', '=', 1);
  const { after } = page;
  if (after !== null) {
    const { value, id } = after;
    query = query.where((where) =>
      where.or([
        where('created_at', '<', Number(value)),
        where.and([where('created_at', '=', Number(value)), where('id', '<', id)]),
      ]),
    );
  }
  return query
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute();
}

/** Returns the servers of these deployments, in rollout order. */
export async function listDeploymentServers(
  db: Queryable,
  workspaceId: string,
  ids: readonly string[],
): Promise<DeploymentServerTable[]> {
  if (ids.length === 0) return [];
  return db
    .selectFrom('deployment_server')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('deployment_id', 'in', ids)
    .orderBy('position')
    .execute();
}

/** Returns the previous release: the newest completed deployment of the app that was created before this one. */
export async function findPreviousRelease(
  db: Queryable,
  { workspace_id, app_id, created_at, id }: DeploymentTable,
): Promise<DeploymentTable | undefined> {
  return (
    db
      .selectFrom('deployment')
      .selectAll()
      .where('workspace_id', '=', workspace_id)
      .where('app_id', '=', app_id)
      .where('status', '=', 'completed')
      .where('created_at', '<=', created_at)
      // IDs begin with their creation time, so an older deployment has a smaller ID.
      .where('id', '<', id)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .executeTakeFirst()
  );
}

/** The fields of an unfinished deployment that determine its place in the queue. */
export type DeploymentQueueEntry = Pick<DeploymentTable, 'id' | 'app_id' | 'status' | 'approval' | 'scheduled_at'>;

/** Returns the unfinished deployments of apps, oldest first. */
export async function listDeploymentQueue(
  db: Queryable,
  workspaceId: string,
  appIds: readonly string[],
): Promise<DeploymentQueueEntry[]> {
  return db
    .selectFrom('deployment')
    .select(['id', 'app_id', 'status', 'approval', 'scheduled_at'])
    .where('workspace_id', '=', workspaceId)
    .where('app_id', 'in', appIds)
    .where('status', 'in', ['pending', 'processing'])
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

/** Returns an app's unfinished deployments, oldest first. */
export async function listUnfinishedDeployments(
  db: Queryable,
  workspaceId: string,
  appId: string,
): Promise<DeploymentTable[]> {
  return db
    .selectFrom('deployment')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('app_id', '=', appId)
    .where('status', 'in', ['pending', 'processing'])
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

/** Returns whether another deployment of the same app has started since `since` (epoch milliseconds). */
export async function hasOtherDeploymentStartedSince(
  db: Queryable,
  { workspace_id, app_id, id }: DeploymentTable,
  since: number,
): Promise<boolean> {
  const row = await db
    .selectFrom('deployment')
    .select('id')
    .where('workspace_id', '=', workspace_id)
    .where('app_id', '=', app_id)
    .where('id', '<>', id)
    // Compares start times, because a deployment that waited for its schedule or approval may have been created
    // earlier.
    .where('started_at', '>=', since)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export async function updateDeployment(
  trx: Trx,
  { workspace_id, id }: Pick<DeploymentTable, 'workspace_id' | 'id'>,
  set: Partial<Omit<DeploymentTable, 'id' | 'workspace_id'>>,
): Promise<void> {
  await trx.updateTable('deployment').set(set).where('workspace_id', '=', workspace_id).where('id', '=', id).execute();
}

export async function updateDeploymentServer(
  trx: Trx,
  { workspace_id, deployment_id, position }: DeploymentServerTable,
  set: Partial<Pick<DeploymentServerTable, 'status' | 'previous' | 'completed_steps'>>,
): Promise<void> {
  await trx
    .updateTable('deployment_server')
    .set(set)
    .where('workspace_id', '=', workspace_id)
    .where('deployment_id', '=', deployment_id)
    .where('position', '=', position)
    .execute();
}

/** Sets the status to `to` for the servers of a deployment that have one of the statuses `from`. */
export async function updateDeploymentServerStatuses(
  trx: Trx,
  workspaceId: string,
  deploymentId: string,
  from: readonly string[],
  to: string,
): Promise<void> {
  await trx
    .updateTable('deployment_server')
    .set({ status: to })
    .where('workspace_id', '=', workspaceId)
    .where('deployment_id', '=', deploymentId)
    .where('status', 'in', from)
    .execute();
}

/** Marks a deployment, instead of any other, as the one whose release its app runs. */
export async function setLiveDeployment(trx: Trx, { workspace_id, app_id, id }: DeploymentTable): Promise<void> {
  await trx
    .updateTable('deployment')
    .set({ live: 0 })
    .where('workspace_id', '=', workspace_id)
    .where('app_id', '=', app_id)
    .where('live', '=', 1)
    .execute();
  await trx
    .updateTable('deployment')
    .set({ live: 1 })
    .where('workspace_id', '=', workspace_id)
    .where('id', '=', id)
    .execute();
}

/**
 * Returns the ID of the person who created a credential, or undefined if no person did. Reads the activity log, which
 * also knows the creators of deleted credentials.
 */
export async function findCredentialCreator(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('audit_event')
    .select('actor_id')
    .where('workspace_id', '=', workspaceId)
    .where('target_id', '=', id)
    .where('action', 'in', ['access_token.created', 'api_key.created'])
    .where('actor_kind', '=', 'person')
    .executeTakeFirst();
  return row?.actor_id ?? undefined;
}

export async function credentialExists(db: Queryable, workspaceId: string, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('credential')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row !== undefined;
}
