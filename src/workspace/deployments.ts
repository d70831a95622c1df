import type { CreateDeployment, CreateRollback, Deployment, DeploymentQuery } from '../contract/deployments.ts';
import { Problem } from '../contract/problem.ts';
import type { Page } from '../contract/schemas.ts';
import {
  creatorOfCredential,
  listDeploymentRows,
  lockDeployment,
  serversOf,
  updateDeployment,
} from '../store/deployments.ts';
import { cutPage, pageAsk } from '../store/paging.ts';
import { findResource } from '../store/resources.ts';
import type { DeploymentTable } from '../store/schema.ts';
import type { Trx } from '../store/store.ts';
import { hasOtherMember } from '../store/workspaces.ts';
import { type Asker, record, type WorkspaceContext } from './context.ts';
import { enqueue, insertNew, KIND, type What } from './deploying/create.ts';
import { deploy } from './deploying/deploy.ts';
import { waitsForPromotion } from './deploying/plan.ts';
import { endDeployment, settle } from './deploying/settle.ts';
import { nameOf, noDeployment, show, showOne } from './deploying/show.ts';
import type { JobKind } from './jobs/jobs.ts';
import { findRow } from './resources.ts';

const SORT = '-createdAt';

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
    return insertNew(context, trx, asker, app, what, how);
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
    return insertNew(context, trx, asker, app, what, input);
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

/** The person who acts: themselves, or with a credential that they created. */
async function personBehind(trx: Trx, workspaceId: string, kind: string, id: string): Promise<string | undefined> {
  return kind === 'person' ? id : creatorOfCredential(trx, workspaceId, id);
}

/**
 * Throws `forbidden` where the person who asked for the deployment would approve it alone, each time themselves or with a
 * credential that they created, while the workspace has another member. A credential never approves what it asked for.
 */
async function refuseOwnApproval(trx: Trx, { actor }: Asker, row: DeploymentTable): Promise<void> {
  const { workspace_id: workspaceId, created_by_kind: kind, created_by_id: requester } = row;
  if (requester === null || actor.id === null) return;
  if (actor.id !== requester || kind === 'person') {
    const person = await personBehind(trx, workspaceId, kind, requester);
    if (person === undefined || person !== (await personBehind(trx, workspaceId, actor.kind, actor.id))) return;
    if (!(await hasOtherMember(trx, workspaceId, person))) return;
  }
  throw new Problem('forbidden', 'You asked for this deployment. Somebody else must approve it.');
}

/**
 * Cancels a deployment, approves one that waits for it, or says whether a canary goes on. What is under
 * way ends soon, not at once. Throws `not_found`, `conflict` where there is nothing to decide, and `forbidden` for an
 * approval of one's own.
 */
export function decide(context: WorkspaceContext, asker: Asker, which: Which, decision: Decision): Promise<Deployment> {
  const { workspaceId, actor } = asker;
  return change(context, workspaceId, async (trx) => {
    const now = context.clock();
    const row = await lockOne(trx, workspaceId, which.id, which.app);
    refuseDecision(row, decision);
    if (decision === 'approve') await refuseOwnApproval(trx, asker, row);
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
      await endDeployment(context, trx, row, said);
    }
    await record(trx, asker, action, { kind: 'deployment', id: row.id, name: app.name }, now, { appId: app.id });
    return row.id;
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
