import { raiseNotice } from '../../audit/notices.ts';
import { recordAuditEvent, systemRequestContext } from '../../audit/request-context.ts';
import type { Deployment } from '../../contract/deployments.ts';
import type { AuditPartyKind } from '../../contract/event-names.ts';
import type { CredentialKind } from '../../contract/vocabulary.ts';
import type { JobEnd } from '../../jobs/jobs.ts';
import {
  listUnfinishedDeployments,
  lockDeployment,
  setLiveDeployment,
  updateDeployment,
  updateDeploymentServerStatuses,
} from '../../store/deployments.ts';
import { resolveNotices } from '../../store/notices.ts';
import { findResource } from '../../store/resources.ts';
import type { DeploymentTable } from '../../store/schema/deployments.ts';
import type { Trx } from '../../store/store.ts';
import { enqueueCommitStatus } from '../commit-status/report-job.ts';
import type { PlatformContext } from '../context.ts';

/** Returns the states of hooks after the deployment has ended. Pure. */
function finalHooks(hooks: Deployment['hooks'], status: JobEnd['status']): Deployment['hooks'] {
  const finalStatus = { pending: 'skipped', processing: status } as const;
  return hooks.map((hook) =>
    hook.status === 'pending' || hook.status === 'processing' ? { ...hook, status: finalStatus[hook.status] } : hook,
  );
}

/**
 * Ends a deployment, the work on its servers and its log, in the transaction that ends its job. Records an audit event
 * with the deployment's creator as the actor, except for a cancellation, which is recorded when it is requested.
 */
export async function finishDeployment(
  context: PlatformContext,
  trx: Trx,
  workspaceId: string,
  id: string,
  { status, error, endedAt }: JobEnd,
): Promise<void> {
  const row = await lockDeployment(trx, workspaceId, id);
  if (row === undefined) return;
  const hooks = JSON.stringify(finalHooks(JSON.parse(row.hooks) as Deployment['hooks'], status));
  const fields = { status, error, hooks, finished_at: endedAt, updated_at: endedAt, under_way: 0 };
  // Only a failed deployment can be retried, and only a retry needs the plan.
  const plan = status === 'failed' ? row.plan : null;
  await updateDeployment(trx, row, status === 'completed' ? { ...fields, plan, progress: 100 } : { ...fields, plan });
  await updateDeploymentServerStatuses(trx, workspaceId, id, ['processing'], status);
  await updateDeploymentServerStatuses(
    trx,
    workspaceId,
    id,
    ['pending'],
    status === 'completed' ? 'completed' : 'cancelled',
  );
  if (status === 'completed') await setLiveDeployment(trx, row);
  const outcome = status === 'failed' ? 'Failed' : 'Cancelled';
  await context.logs.appendSystemLine(trx, workspaceId, id, error === null ? 'Completed.' : `${outcome}: ${error}`);
  await context.logs.close(trx, workspaceId, id);
  if (row.started_at !== null) await enqueueCommitStatus(context, trx, row);
  if (status === 'cancelled') return;
  const app = await findResource(trx, 'app', workspaceId, row.app_id);
  const { created_by_kind: kind, created_by_id: actorId, created_by_name: name } = row;
  const requester = {
    ...systemRequestContext(workspaceId),
    actor: { kind: kind as AuditPartyKind, id: actorId, name },
    credential:
      kind === 'person' || actorId === null ? null : { id: actorId, kind: kind as CredentialKind, name: name ?? '' },
  };
  const action = status === 'completed' ? 'deployment.completed' : 'deployment.failed';
  const target = { kind: 'deployment', id, name: app?.name ?? null } as const;
  const detail = { appId: row.app_id, commit: row.commit_id, ...(error !== null && { error }) };
  await recordAuditEvent(trx, requester, action, target, endedAt, detail);
  if (status === 'completed') return resolveNotices(trx, workspaceId, row.app_id, ['deployment.failed']);
  await raiseNotice(trx, {
    workspaceId,
    kind: 'deployment.failed',
    at: endedAt,
    occurrence: row.attempt === 1 ? id : `${id} ${row.attempt}`,
    subject: { kind: 'app', id: row.app_id, name: app?.name ?? null },
    detail: { deploymentId: id, ...detail },
  });
}

/** Cancels a deployment through its job or, if it has no job yet, directly. */
export async function cancelDeployment(
  context: PlatformContext,
  trx: Trx,
  row: DeploymentTable,
  reason: string,
): Promise<void> {
  if (await context.jobs.cancel(trx, row.workspace_id, row.id, reason)) return;
  await finishDeployment(context, trx, row.workspace_id, row.id, {
    status: 'cancelled',
    error: reason,
    endedAt: context.clock(),
  });
}

/** Cancels those pending deployments of the app for which `shouldCancel` returns true, because `row` replaces them. */
export async function cancelPendingDeployments(
  context: PlatformContext,
  trx: Trx,
  row: Pick<DeploymentTable, 'workspace_id' | 'app_id' | 'id'>,
  shouldCancel: (pending: DeploymentTable) => boolean = () => true,
): Promise<void> {
  for (const pending of await listUnfinishedDeployments(trx, row.workspace_id, row.app_id)) {
    if (pending.status === 'pending' && pending.id !== row.id && shouldCancel(pending))
      await cancelDeployment(context, trx, pending, `Replaced by the deployment ${row.id}.`);
  }
}
