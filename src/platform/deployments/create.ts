import { displayNameOf, type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { Deployment, DeploymentOptions, DeploymentOverrides } from '../../contract/deployments.ts';
import { createId } from '../../contract/id.ts';
import { DAY, RESOURCE_LIMITS } from '../../contract/limits.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import { insertDeployment, listDeploymentServers } from '../../store/deployments.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { findResource } from '../../store/resources.ts';
import type { DeploymentTable } from '../../store/schema/deployments.ts';
import type { AppTable, ServerTable } from '../../store/schema/resources.ts';
import type { Trx } from '../../store/store.ts';
import { type PlatformContext, redactSecretsIn } from '../context.ts';
import { describeMissingVariables } from '../environment/effective-variables.ts';
import { appLane, serverLane } from '../job-lanes.ts';
import { requireConfirmedGitHost } from '../resources/deploy-keys.ts';
import { resolveRunTarget } from '../resources/run-target.ts';
import { parseHooks } from '../resources/stored-hooks.ts';
import { cancelPendingDeployments } from './finish.ts';
import { missingConfiguration, sortByStage } from './plan.ts';

/** Job kind of deployments. */
export const DEPLOYMENT_JOB_KIND = 'deployment';

/**
 * Returns the servers of a deployment. If `isRestricted`, only the app's own server is allowed. Throws `conflict` if
 * there is no server, or if steps may not run on one of them, and `validation_failed` for an invalid server.
 */
async function resolveServers(
  context: PlatformContext,
  trx: Trx,
  app: AppTable,
  requestedServers: readonly string[] | undefined,
  isRestricted: boolean,
): Promise<ServerTable[]> {
  const serverRefs = requestedServers ?? (app.server_id === null ? [] : [app.server_id]);
  if (serverRefs.length === 0) throw new Problem('conflict', 'The app has no server. Set its serverId, then deploy.');
  const rows: ServerTable[] = [];
  for (const [index, idOrSlug] of serverRefs.entries()) {
    const row = await findResource(trx, 'server', app.workspace_id, idOrSlug);
    if (row === undefined || (isRestricted && row.id !== app.server_id))
      throw invalidField(`servers.${index}`, 'must be a server of this workspace');
    if (rows.some(({ id }) => id === row.id))
      throw invalidField(`servers.${index}`, 'must not be a server that is already in the list');
    await resolveRunTarget(context, row, trx);
    rows.push(row);
  }
  return rows;
}

function parseScheduledAt(text: string | undefined, now: number): number | null {
  if (text === undefined) return null;
  const scheduledAt = Date.parse(text);
  if (scheduledAt <= now) throw invalidField('scheduledAt', 'must be in the future');
  if (scheduledAt > now + RESOURCE_LIMITS.scheduleDays * DAY) {
    throw invalidField('scheduledAt', `must be within ${RESOURCE_LIMITS.scheduleDays} days`);
  }
  return scheduledAt;
}

/**
 * Returns the initial results of the active hooks. Throws `validation_failed` for an unknown name in `skippedHooks`.
 */
function initialHookResults(app: AppTable, skippedHooks: readonly string[]): Deployment['hooks'] {
  const hooks = parseHooks(app.hooks);
  for (const [index, name] of skippedHooks.entries()) {
    if (!hooks.some((hook) => hook.name === name))
      throw invalidField(`skipHooks.${index}`, 'must be a hook of the app');
  }
  return sortByStage(hooks)
    .filter(({ active }) => active)
    .map(({ name, stage }) => ({
      name,
      stage,
      status: skippedHooks.includes(name) ? 'skipped' : 'pending',
      exitCode: null,
      durationMs: null,
      attempts: 0,
    }));
}

/** The revision to deploy, and the default servers. */
export interface DeploymentSource {
  readonly kind: Deployment['kind'];
  readonly branch: string | null;
  /** A tag, or a pattern such as `v1.*`. */
  readonly tag: string | null;
  readonly commit: string | null;
  readonly rollbackOf: string | null;
  /** The servers to deploy to, unless the request names others; undefined for the app's own. */
  readonly servers: readonly string[] | undefined;
}

/** Enqueues a deployment in the lanes of its app and servers. */
export async function enqueueDeployment(context: PlatformContext, trx: Trx, row: DeploymentTable): Promise<void> {
  const servers = await listDeploymentServers(trx, row.workspace_id, [row.id]);
  await context.jobs.enqueue(trx, {
    kind: DEPLOYMENT_JOB_KIND,
    workspaceId: row.workspace_id,
    resourceId: row.id,
    lanes: [appLane(row.app_id), ...servers.map(({ server_id }) => serverLane(server_id))],
    ...(row.scheduled_at !== null && { runAt: row.scheduled_at }),
  });
}

/** Returns the fields that a request overrides, with secrets masked. */
function redactedOverrides(options: DeploymentOptions, servers: readonly ServerTable[]): DeploymentOverrides {
  const serverOverride = options.servers === undefined ? {} : { servers: servers.map(({ id }) => id) };
  return redactSecretsIn({ ...options, ...serverOverride }) as DeploymentOverrides;
}

function newDeploymentRow(
  id: string,
  { workspaceId, actor }: RequestContext,
  app: AppTable,
  source: DeploymentSource,
  options: DeploymentOptions,
  servers: readonly ServerTable[],
  now: number,
): DeploymentTable {
  const skippedHooks = options.skipHooks ?? [];
  return {
    id,
    workspace_id: workspaceId,
    app_id: app.id,
    kind: source.kind,
    status: 'pending',
    progress: 0,
    branch: source.branch,
    tag: source.tag,
    commit_id: source.commit,
    live: 0,
    strategy: options.strategy ?? 'all',
    batch_size: options.batchSize ?? 1,
    pause_seconds: options.pauseSeconds ?? 0,
    health_check: options.healthCheck === undefined ? null : JSON.stringify(options.healthCheck),
    scheduled_at: parseScheduledAt(options.scheduledAt, now),
    approval: options.approval === true ? 'waiting' : null,
    approved_by: null,
    overrides: JSON.stringify(redactedOverrides(options, servers)),
    skip_hooks: JSON.stringify(skippedHooks),
    rollback_of: source.rollbackOf,
    hooks: JSON.stringify(initialHookResults(app, skippedHooks)),
    plan: null,
    variables: null,
    next_server: 0,
    under_way: 0,
    decision: null,
    attempt: 1,
    error: null,
    created_by_kind: actor.kind,
    created_by_id: actor.id,
    created_by_name: actor.name,
    created_at: now,
    updated_at: now,
    started_at: null,
    finished_at: null,
  };
}

/**
 * Creates a deployment with its log and audit event, and enqueues it unless it requires an approval. With the option
 * `replace`, cancels the app's other pending deployments. Returns the ID of the deployment. Throws `conflict`,
 * `validation_failed`, `idempotent_replay` for a repeated request.
 */
export async function insertNewDeployment(
  context: PlatformContext,
  trx: Trx,
  request: RequestContext,
  app: AppTable,
  source: DeploymentSource,
  options: DeploymentOptions,
): Promise<string> {
  const now = context.clock();
  const { workspaceId, actor } = request;
  const missing = missingConfiguration(app);
  if (missing !== null) throw new Problem('conflict', missing);
  await requireConfirmedGitHost(trx, app);
  const missingVariables = await describeMissingVariables(trx, app);
  if (missingVariables !== null) throw invalidField('requiredVariables', missingVariables);
  const isRestricted = options.servers !== undefined && (request.allowed ?? null) !== null;
  const servers = await resolveServers(context, trx, app, options.servers ?? source.servers, isRestricted);
  const id = createId('deployment', now);
  // Must precede the validation of the options, because the `scheduledAt` of a repeated request may have passed.
  await claimOrRefuseReplay(trx, request.idempotencyClaim, id, now);
  const row = newDeploymentRow(id, request, app, source, options, servers, now);
  await insertDeployment(
    trx,
    row,
    servers.map((server, position) => ({
      deployment_id: id,
      workspace_id: workspaceId,
      position,
      server_id: server.id,
      status: 'pending',
      previous: null,
      completed_steps: 0,
    })),
  );
  await context.logs.open(trx, workspaceId, id);
  const revision = source.commit ?? source.tag ?? source.branch ?? '';
  await context.logs.appendSystemLine(
    trx,
    workspaceId,
    id,
    `${app.name}: ${source.kind} of ${revision}, requested by ${displayNameOf(actor)}.`,
  );
  if (options.replace === true) await cancelPendingDeployments(context, trx, row);
  if (row.approval === null) await enqueueDeployment(context, trx, row);
  await recordAuditEvent(trx, request, 'deployment.created', { kind: 'deployment', id, name: app.name }, now, {
    appId: app.id,
    kind: source.kind,
    branch: source.branch,
    tag: source.tag,
    commit: source.commit,
    servers: servers.map((server) => server.id),
    ...(source.rollbackOf !== null && { rollbackOf: source.rollbackOf }),
    overrides: redactedOverrides(options, servers),
  });
  return id;
}
