import { append } from '../audit/log.ts';
import type { Party } from '../contract/audit.ts';
import type {
  CreateDeployment,
  CreateRollback,
  Deployment,
  DeploymentHow,
  DeploymentQuery,
} from '../contract/deployments.ts';
import { createId } from '../contract/id.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { App } from '../contract/resources.ts';
import type { Page } from '../contract/schemas.ts';
import {
  type AuditNoun,
  type CredentialKind,
  DAY,
  type DeploymentWait,
  RESOURCE_LIMITS,
  type Strategy,
  type WorkStatus,
} from '../contract/words.ts';
import {
  findDeployment,
  insertDeployment,
  listDeploymentRows,
  lockDeployment,
  makeLive,
  moveServers,
  openDeployments,
  serversOf,
  updateDeployment,
} from '../store/deployments.ts';
import { cutPage, pageAsk } from '../store/paging.ts';
import { findResource } from '../store/resources.ts';
import type { AppTable, DeploymentServerTable, DeploymentTable, ServerTable } from '../store/schema.ts';
import type { Queryable, Trx } from '../store/store.ts';
import { type Asker, claimOnce, instant, record, type WorkspaceContext } from './context.ts';
import { deploy } from './deploying/deploy.ts';
import { lackOf, waitsForPromotion } from './deploying/plan.ts';
import type { JobEnd, JobKind } from './jobs/jobs.ts';
import { appLane, serverLane } from './lanes.ts';
import { findRow } from './resources.ts';
import { targetOf } from './servers.ts';

const KIND = 'deployment';
const SORT = '-createdAt';

const maybe = (at: number | null): string | null => (at === null ? null : instant(at));

function waitOf(row: DeploymentTable, now: number): DeploymentWait | null {
  if (waitsForPromotion(row)) return 'promotion';
  if (row.status !== 'pending') return null;
  if (row.approval === 'waiting') return 'approval';
  return row.scheduled_at !== null && row.scheduled_at > now ? 'schedule' : 'queue';
}

function show(row: DeploymentTable, servers: readonly DeploymentServerTable[], now: number): Deployment {
  return {
    id: row.id,
    appId: row.app_id,
    kind: row.kind as Deployment['kind'],
    status: row.status as WorkStatus,
    progress: row.progress,
    branch: row.branch,
    commit: row.commit_id,
    live: row.live === 1,
    strategy: row.strategy as Strategy,
    batchSize: row.batch_size,
    pauseSeconds: row.pause_seconds,
    servers: servers.map(({ server_id, status }) => ({ serverId: server_id, status: status as WorkStatus })),
    hooks: JSON.parse(row.hooks) as Deployment['hooks'],
    error: row.error,
    waitingFor: waitOf(row, now),
    scheduledAt: maybe(row.scheduled_at),
    approval:
      row.approval === null
        ? null
        : {
            status: row.approval as 'waiting' | 'given',
            by: row.approved_by === null ? null : (JSON.parse(row.approved_by) as Party),
          },
    rollbackOf: row.rollback_of,
    createdBy: { kind: row.created_by_kind as AuditNoun, id: row.created_by_id, name: row.created_by_name },
    startedAt: maybe(row.started_at),
    finishedAt: maybe(row.finished_at),
    createdAt: instant(row.created_at),
    updatedAt: instant(row.updated_at),
  };
}

async function showOne(context: WorkspaceContext, db: Queryable, workspaceId: string, id: string): Promise<Deployment> {
  const row = await findDeployment(db, workspaceId, id);
  if (row === undefined) throw noDeployment();
  return show(row, await serversOf(db, workspaceId, [id]), context.clock());
}

const noDeployment = () => new Problem('not_found', 'There is no such deployment in this workspace.');

/** Newest first. Throws `not_found` for an app to filter by that is not there, `validation_failed` for a cursor. */
export async function listDeployments(
  context: WorkspaceContext,
  workspaceId: string,
  query: DeploymentQuery,
): Promise<Page<Deployment>> {
  const { read } = context.store;
  const page = pageAsk(query, SORT, 'number');
  const appId = query.app === undefined ? undefined : (await findRow(read, 'app', workspaceId, query.app)).id;
  const filter = { appId, status: query.status, live: query.live === 'true' };
  const rows = await listDeploymentRows(read, workspaceId, filter, page);
  const servers = await serversOf(
    read,
    workspaceId,
    rows.map(({ id }) => id),
  );
  const now = context.clock();
  return cutPage(
    rows,
    page.limit,
    SORT,
    (row) => ({ value: row.created_at, id: row.id }),
    (row) =>
      show(
        row,
        servers.filter(({ deployment_id }) => deployment_id === row.id),
        now,
      ),
  );
}

export function getDeployment(context: WorkspaceContext, workspaceId: string, id: string): Promise<Deployment> {
  return showOne(context, context.store.read, workspaceId, id);
}

/** Who asked, as a log's reader is told. */
function nameOf({ kind, name, id }: Party): string {
  const who = name ?? id ?? 'somebody';
  if (kind === 'api_key') return `the API key ${who}`;
  return kind === 'access_token' ? `the access token ${who}` : who;
}

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
    targetOf(context, row);
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
  return hooks
    .filter(({ active }) => active)
    .map(({ name, stage }) => ({
      name,
      stage,
      status: skip.includes(name) ? 'skipped' : 'pending',
      exitCode: null,
      durationMs: null,
    }));
}

interface What {
  readonly kind: Deployment['kind'];
  readonly branch: string | null;
  readonly commit: string | null;
  readonly rollbackOf: string | null;
  readonly servers: readonly string[] | undefined;
}

async function enqueue(context: WorkspaceContext, trx: Trx, row: DeploymentTable): Promise<void> {
  const servers = await serversOf(trx, row.workspace_id, [row.id]);
  await context.jobs.enqueue(trx, {
    kind: KIND,
    workspaceId: row.workspace_id,
    resourceId: row.id,
    lanes: [appLane(row.app_id), ...servers.map(({ server_id }) => serverLane(server_id))],
    ...(row.scheduled_at !== null && { runAt: row.scheduled_at }),
  });
}

/** Ends deployments of the app that have not begun, for one that was asked to take their place. */
async function replaceWaiting(context: WorkspaceContext, trx: Trx, row: DeploymentTable): Promise<void> {
  for (const one of await openDeployments(trx, row.workspace_id, row.app_id)) {
    if (one.status === 'pending' && one.id !== row.id)
      await end(context, trx, one, `The deployment ${row.id} took its place.`);
  }
}

/** Ends a deployment by its job or, where it has none yet, here. */
async function end(context: WorkspaceContext, trx: Trx, row: DeploymentTable, why: string): Promise<void> {
  if (await context.jobs.cancel(trx, row.workspace_id, row.id, why)) return;
  await settle(context, trx, row.workspace_id, row.id, { status: 'cancelled', error: why, at: context.clock() });
}

async function create(
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
    ...Object.fromEntries(Object.entries(how).filter(([field]) => field !== 'servers' && field !== 'healthCheck')),
  });
  return id;
}

/** Runs a transaction, then lets the queue look; answers with the deployment as it is then. */
async function change(
  context: WorkspaceContext,
  workspaceId: string,
  work: (trx: Trx) => Promise<string>,
): Promise<Deployment> {
  const shown = await context.store.transaction(async (trx) => showOne(context, trx, workspaceId, await work(trx)));
  context.jobs.wake();
  return shown;
}

/**
 * Deploys an app. Throws `not_found`, `conflict` for an app that lacks something to be deployed,
 * `validation_failed` for a server, a hook or an instant that can't be, `idempotent_replay`.
 */
export function createDeployment(
  context: WorkspaceContext,
  asker: Asker,
  appIdOrSlug: string,
  input: CreateDeployment,
): Promise<Deployment> {
  return change(context, asker.workspaceId, async (trx) => {
    const app = await findRow(trx, 'app', asker.workspaceId, appIdOrSlug);
    const { branch, commit = null, ...how } = input;
    const what: What = {
      kind: 'deploy',
      branch: commit === null ? (branch ?? app.branch) : null,
      commit,
      rollbackOf: null,
      servers: undefined,
    };
    return create(context, trx, asker, app, what, how);
  });
}

/** A deployment that is locked, of the app where one is named. Throws `not_found`. */
async function lockOne(
  trx: Trx,
  workspaceId: string,
  id: string,
  appIdOrSlug: string | null,
): Promise<DeploymentTable> {
  const row = await lockDeployment(trx, workspaceId, id);
  if (row === undefined) throw noDeployment();
  if (appIdOrSlug === null) return row;
  const app = await findResource(trx, 'app', workspaceId, appIdOrSlug);
  if (app?.id !== row.app_id) throw noDeployment();
  return row;
}

/** Which deployment, by its own id alone or under its app. */
export interface Which {
  readonly app: string | null;
  readonly id: string;
}

/** Deploys the commit of an earlier deployment again. Throws as `createDeployment` does, `conflict` for one that never was live. */
export function rollBack(
  context: WorkspaceContext,
  asker: Asker,
  which: Which,
  input: CreateRollback,
): Promise<Deployment> {
  const { workspaceId } = asker;
  return change(context, workspaceId, async (trx) => {
    const earlier = await lockOne(trx, workspaceId, which.id, which.app);
    if (earlier.status !== 'completed' || earlier.commit_id === null) {
      throw new Problem('conflict', 'Only a completed deployment can be gone back to.');
    }
    const app = await findRow(trx, 'app', workspaceId, earlier.app_id);
    const servers = await serversOf(trx, workspaceId, [earlier.id]);
    const what: What = {
      kind: 'rollback',
      branch: earlier.branch,
      commit: earlier.commit_id,
      rollbackOf: earlier.id,
      servers: servers.map(({ server_id }) => server_id),
    };
    return create(context, trx, asker, app, what, input);
  });
}

type Decision = 'cancel' | 'approve' | 'promote' | 'abort';
const DECIDED = {
  cancel: ['deployment.cancelled', 'cancelled this'],
  approve: ['deployment.approved', 'approved this'],
  promote: ['deployment.promoted', 'promoted this'],
  abort: ['deployment.aborted', 'aborted this'],
} as const;

function refuseDecision(row: DeploymentTable, decision: Decision): void {
  const over = row.status !== 'pending' && row.status !== 'processing';
  if (decision === 'cancel' && over) throw new Problem('conflict', `This deployment is ${row.status} already.`);
  if (decision === 'approve' && (row.status !== 'pending' || row.approval !== 'waiting')) {
    throw new Problem('conflict', 'This deployment does not wait for an approval.');
  }
  if ((decision === 'promote' || decision === 'abort') && !waitsForPromotion(row)) {
    throw new Problem('conflict', 'This deployment does not wait between its first server and the rest.');
  }
}

/**
 * Cancels a deployment, approves one that waits for it, or says whether a canary goes on. What is under
 * way ends soon, not at once. Throws `not_found`, and `conflict` where there is nothing to decide.
 */
export function decide(context: WorkspaceContext, asker: Asker, which: Which, decision: Decision): Promise<Deployment> {
  const { workspaceId, actor } = asker;
  return change(context, workspaceId, async (trx) => {
    const now = context.clock();
    const row = await lockOne(trx, workspaceId, which.id, which.app);
    refuseDecision(row, decision);
    const app = await findRow(trx, 'app', workspaceId, row.app_id);
    const [action, words] = DECIDED[decision];
    const who = nameOf(actor);
    const said = `${who.charAt(0).toUpperCase()}${who.slice(1)} ${words}.`;
    await context.logs.say(trx, workspaceId, row.id, said);
    if (decision === 'approve') {
      const given = { approval: 'given', approved_by: JSON.stringify(actor), updated_at: now };
      await updateDeployment(trx, row, given);
      await enqueue(context, trx, { ...row, ...given });
    } else if (decision === 'promote') {
      await updateDeployment(trx, row, { decision, updated_at: now });
      await context.jobs.unpark(trx, workspaceId, row.id);
    } else {
      if (decision === 'abort') await updateDeployment(trx, row, { decision, updated_at: now });
      await end(context, trx, row, said);
    }
    await record(trx, asker, action, { kind: 'deployment', id: row.id, name: app.name }, now, { appId: app.id });
    return row.id;
  });
}

/** What is left of hooks when a deployment is over. Pure. */
function lastHooks(hooks: Deployment['hooks'], status: JobEnd['status']): Deployment['hooks'] {
  const last = { pending: 'skipped', processing: status } as const;
  return hooks.map((hook) =>
    hook.status === 'pending' || hook.status === 'processing' ? { ...hook, status: last[hook.status] } : hook,
  );
}

/** Ends a deployment in the transaction that ends its job: its row, its servers, its log, and an entry of who began it. */
async function settle(
  context: WorkspaceContext,
  trx: Trx,
  workspaceId: string,
  id: string,
  { status, error, at }: JobEnd,
): Promise<void> {
  const row = await lockDeployment(trx, workspaceId, id);
  if (row === undefined) return;
  const hooks = JSON.stringify(lastHooks(JSON.parse(row.hooks) as Deployment['hooks'], status));
  const fields = { status, error, hooks, finished_at: at, updated_at: at, under_way: 0 };
  await updateDeployment(trx, row, status === 'completed' ? { ...fields, progress: 100 } : fields);
  await moveServers(trx, workspaceId, id, ['processing'], status);
  await moveServers(trx, workspaceId, id, ['pending'], status === 'completed' ? 'completed' : 'cancelled');
  if (status === 'completed') await makeLive(trx, row);
  await context.logs.say(
    trx,
    workspaceId,
    id,
    error === null ? 'Completed.' : `${status === 'failed' ? 'Failed' : 'Cancelled'}: ${error}`,
  );
  await context.logs.close(trx, workspaceId, id);
  if (status === 'cancelled') return;
  const app = await findResource(trx, 'app', workspaceId, row.app_id);
  const { created_by_kind: kind, created_by_id: actorId, created_by_name: name } = row;
  await append(trx, {
    workspaceId,
    action: status === 'completed' ? 'deployment.completed' : 'deployment.failed',
    at,
    actor: { kind: kind as AuditNoun, id: actorId, name },
    target: { kind: 'deployment', id, name: app?.name ?? null },
    credential:
      kind === 'person' || actorId === null ? null : { id: actorId, kind: kind as CredentialKind, name: name ?? '' },
    origin: { address: null, userAgent: null, requestId: null },
    detail: { appId: row.app_id, commit: row.commit_id, ...(error !== null && { error }) },
  });
}

/** Deployments as a kind of job. */
export function deploymentKind(context: WorkspaceContext): JobKind {
  return {
    name: KIND,
    resumable: true,
    run: (job) => deploy(context, job),
    settle: (trx, job, ended) => settle(context, trx, job.workspaceId, job.resourceId, ended),
  };
}
