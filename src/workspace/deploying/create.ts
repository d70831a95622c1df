import type { Deployment, DeploymentHow, DeploymentOverrides } from '../../contract/deployments.ts';
import { createId } from '../../contract/id.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import type { App } from '../../contract/resources.ts';
import { DAY, RESOURCE_LIMITS } from '../../contract/words.ts';
import { insertDeployment, serversOf } from '../../store/deployments.ts';
import { findResource } from '../../store/resources.ts';
import type { AppTable, DeploymentTable, ServerTable } from '../../store/schema.ts';
import type { Trx } from '../../store/store.ts';
import { type Asker, claimOnce, record, type WorkspaceContext, withoutSecrets } from '../context.ts';
import { appLane, serverLane } from '../lanes.ts';
import { targetOf } from '../servers.ts';
import { inRunningOrder, lackOf } from './plan.ts';
import { replaceWaiting } from './settle.ts';
import { nameOf } from './show.ts';

/** Deployments as a kind of job. */
export const KIND = 'deployment';

/** The servers that a deployment goes to. Throws `conflict` where there is none, or one that nothing may run on. */
async function chooseServers(
  context: WorkspaceContext,
  trx: Trx,
  app: AppTable,
  named: readonly string[] | undefined,
): Promise<ServerTable[]> {
  const chosen = named ?? (app.server_id === null ? [] : [app.server_id]);
  if (chosen.length === 0) throw new Problem('conflict', 'The app has no server. Set its serverId, then deploy.');
  const rows: ServerTable[] = [];
  for (const [at, idOrSlug] of chosen.entries()) {
    const row = await findResource(trx, 'server', app.workspace_id, idOrSlug);
    if (row === undefined) throw invalidField(`servers.${at}`, 'names no server of this workspace');
    if (rows.some(({ id }) => id === row.id)) throw invalidField(`servers.${at}`, 'names a server a second time');
    await targetOf(context, row, trx);
    rows.push(row);
  }
  return rows;
}

function scheduleOf(text: string | undefined, now: number): number | null {
  if (text === undefined) return null;
  const at = Date.parse(text);
  if (at <= now) throw invalidField('scheduledAt', 'takes an instant in the future');
  if (at > now + RESOURCE_LIMITS.scheduleDays * DAY) {
    throw invalidField('scheduledAt', `takes an instant within ${RESOURCE_LIMITS.scheduleDays} days`);
  }
  return at;
}

/** The hooks as they are shown before anything ran. Throws `validation_failed` for a name that no hook has. */
function firstHooks(app: AppTable, skip: readonly string[]): Deployment['hooks'] {
  const hooks = JSON.parse(app.hooks) as App['hooks'];
  for (const [at, name] of skip.entries()) {
    if (!hooks.some((hook) => hook.name === name)) throw invalidField(`skipHooks.${at}`, 'names no hook of the app');
  }
  return inRunningOrder(hooks)
    .filter(({ active }) => active)
    .map(({ name, stage }) => ({
      name,
      stage,
      status: skip.includes(name) ? 'skipped' : 'pending',
      exitCode: null,
      durationMs: null,
    }));
}

/** What is deployed, as far as the request does not say. */
export interface What {
  readonly kind: Deployment['kind'];
  readonly branch: string | null;
  readonly commit: string | null;
  readonly rollbackOf: string | null;
  readonly servers: readonly string[] | undefined;
}

/** Puts a deployment in the queue, in its place among those of its app and servers. */
export async function enqueue(context: WorkspaceContext, trx: Trx, row: DeploymentTable): Promise<void> {
  const servers = await serversOf(trx, row.workspace_id, [row.id]);
  await context.jobs.enqueue(trx, {
    kind: KIND,
    workspaceId: row.workspace_id,
    resourceId: row.id,
    lanes: [appLane(row.app_id), ...servers.map(({ server_id }) => serverLane(server_id))],
    ...(row.scheduled_at !== null && { runAt: row.scheduled_at }),
  });
}

/** The fields that a request overrides, as readers may see them. */
function overridesOf(how: DeploymentHow, servers: readonly ServerTable[]): DeploymentOverrides {
  const named = how.servers === undefined ? {} : { servers: servers.map(({ id }) => id) };
  return withoutSecrets({ ...how, ...named }) as DeploymentOverrides;
}

/** Makes a deployment. Throws `conflict`, `validation_failed`, `idempotent_replay`. */
export async function insertNew(
  context: WorkspaceContext,
  trx: Trx,
  asker: Asker,
  app: AppTable,
  what: What,
  how: DeploymentHow,
): Promise<string> {
  const now = context.clock();
  const { workspaceId, actor } = asker;
  const lack = lackOf(app);
  if (lack !== null) throw new Problem('conflict', lack);
  const servers = await chooseServers(context, trx, app, how.servers ?? what.servers);
  const skip = how.skipHooks ?? [];
  const overrides = overridesOf(how, servers);
  const id = createId('deployment', now);
  await claimOnce(trx, asker.claim, id, now);
  const row: DeploymentTable = {
    id,
    workspace_id: workspaceId,
    app_id: app.id,
    kind: what.kind,
    status: 'pending',
    progress: 0,
    branch: what.branch,
    commit_id: what.commit,
    live: 0,
    strategy: how.strategy ?? 'all',
    batch_size: how.batchSize ?? 1,
    pause_seconds: how.pauseSeconds ?? 0,
    health_check: how.healthCheck === undefined ? null : JSON.stringify(how.healthCheck),
    scheduled_at: scheduleOf(how.scheduledAt, now),
    approval: how.approval === true ? 'waiting' : null,
    approved_by: null,
    overrides: JSON.stringify(overrides),
    skip_hooks: JSON.stringify(skip),
    rollback_of: what.rollbackOf,
    hooks: JSON.stringify(firstHooks(app, skip)),
    plan: null,
    next_server: 0,
    under_way: 0,
    decision: null,
    error: null,
    created_by_kind: actor.kind,
    created_by_id: actor.id,
    created_by_name: actor.name,
    created_at: now,
    updated_at: now,
    started_at: null,
    finished_at: null,
  };
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
    })),
  );
  await context.logs.open(trx, workspaceId, id);
  const of = what.commit ?? what.branch ?? '';
  await context.logs.say(trx, workspaceId, id, `${app.name}, ${what.kind} of ${of}, asked for by ${nameOf(actor)}.`);
  if (how.replace === true) await replaceWaiting(context, trx, row);
  if (row.approval === null) await enqueue(context, trx, row);
  await record(trx, asker, 'deployment.created', { kind: 'deployment', id, name: app.name }, now, {
    appId: app.id,
    kind: what.kind,
    branch: what.branch,
    commit: what.commit,
    servers: servers.map((server) => server.id),
    ...(what.rollbackOf !== null && { rollbackOf: what.rollbackOf }),
    overrides,
  });
  return id;
}
