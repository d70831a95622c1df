import { displayNameOf, type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { CreateDeployment, CreateRollback, Deployment, DeploymentQuery } from '../../contract/deployments.ts';
import type { Page } from '../../contract/paging.ts';
import { Problem } from '../../contract/problem.ts';
import type { JobKind } from '../../jobs/jobs.ts';
import {
  findCredentialCreator,
  listDeploymentRows,
  listDeploymentServers,
  lockDeployment,
  updateDeployment,
} from '../../store/deployments.ts';
import { hasOtherEnabledMember } from '../../store/members.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import type { AllowedResources } from '../../store/resource-access.ts';
import { findResource } from '../../store/resources.ts';
import type { DeploymentTable } from '../../store/schema/deployments.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import { requireResource, requireResourceForUpdate } from '../resources/resources.ts';
import { DEPLOYMENT_JOB_KIND, type DeploymentSource, enqueueDeployment, insertNewDeployment } from './create.ts';
import { deploy } from './deploy.ts';
import { cancelDeployment, cancelPendingDeployments, finishDeployment } from './finish.ts';
import { waitsForPromotion } from './plan.ts';
import { createDeploymentSerializer, deploymentNotFound, readDeployment } from './serialize.ts';

const SORT = '-createdAt';

/**
 * Lists deployments, newest first. Throws `not_found` if the app to filter by does not exist, `validation_failed` for
 * an invalid cursor.
 */
export async function listDeployments(
  context: PlatformContext,
  workspaceId: string,
  query: DeploymentQuery,
  allowed: AllowedResources | null,
): Promise<Page<Deployment>> {
  const { read } = context.store;
  const page = readPageRequest(query, SORT, 'number');
  const appId =
    query.app === undefined ? undefined : (await requireResource(read, 'app', workspaceId, query.app, allowed)).id;
  const filter = { appId, status: query.status, live: query.live === 'true', allowed };
  const rows = await listDeploymentRows(read, workspaceId, filter, page);
  const serialize = await createDeploymentSerializer(read, workspaceId, rows, context.clock());
  return toPage(rows, page.limit, SORT, (row) => ({ value: row.created_at, id: row.id }), serialize);
}

/** Returns a deployment. Throws `not_found`. */
export function getDeployment(context: PlatformContext, workspaceId: string, id: string): Promise<Deployment> {
  return readDeployment(context, context.store.read, workspaceId, id);
}

/** Runs `update` in a transaction, then wakes the queue. Returns the deployment whose ID `update` returned. */
export async function changeAndWake(
  context: PlatformContext,
  workspaceId: string,
  update: (trx: Trx) => Promise<string>,
): Promise<Deployment> {
  const deployment = await context.store.transaction(async (trx) =>
    readDeployment(context, trx, workspaceId, await update(trx)),
  );
  context.jobs.wake();
  return deployment;
}

/**
 * Deploys an app. Throws `not_found`, `conflict` if the app's configuration is incomplete, `validation_failed` for an
 * invalid server, hook or time or a required variable without a value, and `idempotent_replay` for a repeated request.
 */
export function createDeployment(
  context: PlatformContext,
  request: RequestContext,
  appIdOrSlug: string,
  input: CreateDeployment,
): Promise<Deployment> {
  return changeAndWake(context, request.workspaceId, async (trx) => {
    const requireApp = input.replace === true ? requireResourceForUpdate : requireResource;
    const app = await requireApp(trx, 'app', request.workspaceId, appIdOrSlug);
    const { branch, tag = null, commit = null, ...options } = input;
    const source: DeploymentSource = {
      kind: 'deploy',
      branch: tag === null && commit === null ? (branch ?? app.branch) : null,
      tag,
      commit,
      rollbackOf: null,
      servers: undefined,
    };
    return insertNewDeployment(context, trx, request, app, source, options);
  });
}

/**
 * Deploys a branch after a push to it. Cancels the pending deployments of earlier pushes to the branch, because this
 * deployment includes their commits. Throws the same errors as `createDeployment`.
 */
export function deployPush(
  context: PlatformContext,
  request: RequestContext,
  appId: string,
  branch: string,
): Promise<Deployment> {
  return changeAndWake(context, request.workspaceId, async (trx) => {
    // Of two pushes at the same time, the second waits, so that it finds the deployment of the first.
    const app = await requireResourceForUpdate(trx, 'app', request.workspaceId, appId);
    const source = { kind: 'deploy', branch, tag: null, commit: null, rollbackOf: null, servers: undefined } as const;
    const id = await insertNewDeployment(context, trx, request, app, source, {});
    const { kind, name } = request.actor;
    await cancelPendingDeployments(
      context,
      trx,
      { workspace_id: app.workspace_id, app_id: app.id, id },
      (pending) => pending.created_by_kind === kind && pending.created_by_name === name && pending.branch === branch,
    );
    return id;
  });
}

/**
 * Returns the row of a deployment and locks it until the transaction ends. Throws `not_found` if there is
 * none, or if it is not a deployment of the named app.
 */
export async function requireDeploymentForUpdate(
  trx: Trx,
  workspaceId: string,
  id: string,
  appIdOrSlug: string | null,
): Promise<DeploymentTable> {
  const row = await lockDeployment(trx, workspaceId, id);
  if (row === undefined) throw deploymentNotFound();
  if (appIdOrSlug === null) return row;
  const app = await findResource(trx, 'app', workspaceId, appIdOrSlug);
  if (app?.id !== row.app_id) throw deploymentNotFound();
  return row;
}

/** Identifies a deployment by its ID. If `app` is set, the deployment must be of that app. */
export interface DeploymentRef {
  /** The ID or slug of an app. */
  readonly app: string | null;
  readonly id: string;
}

/**
 * Deploys the commit of an earlier deployment again. Throws the same errors as `createDeployment`, and `conflict` if
 * the earlier deployment is not completed.
 */
export function rollBack(
  context: PlatformContext,
  request: RequestContext,
  ref: DeploymentRef,
  input: CreateRollback,
): Promise<Deployment> {
  const { workspaceId } = request;
  return changeAndWake(context, workspaceId, async (trx) => {
    const earlier = await requireDeploymentForUpdate(trx, workspaceId, ref.id, ref.app);
    if (earlier.status !== 'completed' || earlier.commit_id === null) {
      throw new Problem('conflict', 'Only a completed deployment can be rolled back to.');
    }
    const app = await requireResource(trx, 'app', workspaceId, earlier.app_id);
    const servers = await listDeploymentServers(trx, workspaceId, [earlier.id]);
    const source: DeploymentSource = {
      kind: 'rollback',
      branch: earlier.branch,
      tag: earlier.tag,
      commit: earlier.commit_id,
      rollbackOf: earlier.id,
      servers: servers.map(({ server_id }) => server_id),
    };
    return insertNewDeployment(context, trx, request, app, source, input);
  });
}

type DeploymentAction = 'cancel' | 'approve' | 'promote' | 'abort';

/** How each action is recorded in the activity log, and described in the log of the deployment. */
const ACTION_RECORDS = {
  cancel: { auditAction: 'deployment.cancelled', phrase: 'cancelled this' },
  approve: { auditAction: 'deployment.approved', phrase: 'approved this' },
  promote: { auditAction: 'deployment.promoted', phrase: 'promoted this' },
  abort: { auditAction: 'deployment.aborted', phrase: 'aborted this' },
} as const;

function checkActionAllowed(row: DeploymentTable, action: DeploymentAction): void {
  const isFinished = row.status !== 'pending' && row.status !== 'processing';
  if (action === 'cancel' && isFinished) throw new Problem('conflict', `This deployment is already ${row.status}.`);
  if (action === 'approve' && (row.status !== 'pending' || row.approval !== 'waiting')) {
    throw new Problem('conflict', 'This deployment is not waiting for an approval.');
  }
  if ((action === 'promote' || action === 'abort') && !waitsForPromotion(row)) {
    throw new Problem('conflict', 'This deployment is not waiting for promotion.');
  }
}

/** Returns the ID of an actor that is a person, or of the person who created the credential that is the actor. */
async function resolvePerson(trx: Trx, workspaceId: string, kind: string, id: string): Promise<string | undefined> {
  return kind === 'person' ? id : findCredentialCreator(trx, workspaceId, id);
}

/**
 * Throws `forbidden` if the approver is also the requester, directly or through a credential that the same person
 * created, and another member of the workspace is not disabled. A credential can never approve its own request.
 */
async function rejectSelfApproval(trx: Trx, { actor }: RequestContext, row: DeploymentTable): Promise<void> {
  const { workspace_id: workspaceId, created_by_kind: kind, created_by_id: requester } = row;
  if (requester === null || actor.id === null) return;
  if (actor.id !== requester || kind === 'person') {
    const person = await resolvePerson(trx, workspaceId, kind, requester);
    if (person === undefined || person !== (await resolvePerson(trx, workspaceId, actor.kind, actor.id))) return;
    if (!(await hasOtherEnabledMember(trx, workspaceId, person))) return;
  }
  throw new Problem('forbidden', 'You requested this deployment. Someone else must approve it.');
}

/**
 * Cancels or approves a deployment, or promotes or aborts a canary. After a cancellation or abort, work in progress may
 * continue briefly. Throws `not_found`, `conflict` if the deployment's state does not allow the action, and `forbidden`
 * for a self-approval.
 */
export function applyDeploymentAction(
  context: PlatformContext,
  request: RequestContext,
  ref: DeploymentRef,
  action: DeploymentAction,
): Promise<Deployment> {
  const { workspaceId, actor } = request;
  return changeAndWake(context, workspaceId, async (trx) => {
    const now = context.clock();
    const row = await requireDeploymentForUpdate(trx, workspaceId, ref.id, ref.app);
    checkActionAllowed(row, action);
    if (action === 'approve') await rejectSelfApproval(trx, request, row);
    const app = await requireResource(trx, 'app', workspaceId, row.app_id);
    const { auditAction, phrase } = ACTION_RECORDS[action];
    const actorName = displayNameOf(actor);
    const message = `${actorName.charAt(0).toUpperCase()}${actorName.slice(1)} ${phrase}.`;
    await context.logs.appendSystemLine(trx, workspaceId, row.id, message);
    if (action === 'approve') {
      const approval = { approval: 'given', approved_by: JSON.stringify(actor), updated_at: now };
      await updateDeployment(trx, row, approval);
      await enqueueDeployment(context, trx, { ...row, ...approval });
    } else if (action === 'promote') {
      await updateDeployment(trx, row, { decision: action, updated_at: now });
      await context.jobs.resume(trx, workspaceId, row.id);
    } else {
      if (action === 'abort') await updateDeployment(trx, row, { decision: action, updated_at: now });
      await cancelDeployment(context, trx, row, message);
    }
    await recordAuditEvent(trx, request, auditAction, { kind: 'deployment', id: row.id, name: app.name }, now, {
      appId: app.id,
    });
    return row.id;
  });
}

/** The job kind of deployments. */
export function deploymentJobKind(context: PlatformContext): JobKind {
  return {
    name: DEPLOYMENT_JOB_KIND,
    resumable: true,
    run: (job) => deploy(context, job),
    finalize: (trx, job, end) => finishDeployment(context, trx, job.workspaceId, job.resourceId, end),
  };
}
