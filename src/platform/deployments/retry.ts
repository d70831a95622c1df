import { displayNameOf, type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { Deployment } from '../../contract/deployments.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import {
  findDeployment,
  hasOtherDeploymentStartedSince,
  listDeploymentServers,
  updateDeployment,
  updateDeploymentServer,
} from '../../store/deployments.ts';
import { claimOrRefuseReplay } from '../../store/idempotency.ts';
import { findResource } from '../../store/resources.ts';
import type { DeploymentServerTable, DeploymentTable } from '../../store/schema/deployments.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import type { Trx } from '../../store/store.ts';
import type { PlatformContext } from '../context.ts';
import { describeMissingVariables } from '../environment/effective-variables.ts';
import { requireConfirmedGitHost } from '../resources/deploy-keys.ts';
import { requireResource } from '../resources/resources.ts';
import { resolveRunTarget } from '../resources/run-target.ts';
import { enqueueDeployment } from './create.ts';
import { changeAndWake, type DeploymentRef, requireDeploymentForUpdate } from './deployments.ts';
import {
  countSharedSteps,
  createPlan,
  type DeploymentPlan,
  missingConfiguration,
  parsePlan,
  preparationSteps,
  SUPERSEDED_MESSAGE,
} from './plan.ts';
import { plannedHookResults } from './progress.ts';

/**
 * Returns the plans of the failed attempt and of the retry. Throws `conflict` if a retry is not possible, and
 * `validation_failed` if required variables have no value.
 */
async function planRetry(
  trx: Trx,
  app: AppTable,
  row: DeploymentTable,
): Promise<{ readonly failedPlan: DeploymentPlan; readonly retryPlan: DeploymentPlan }> {
  if (row.status !== 'failed')
    throw new Problem('conflict', `Only a failed deployment can be retried; this one is ${row.status}.`);
  if (row.plan === null)
    throw new Problem(
      'conflict',
      'This deployment failed before its first step, or in an older version of Devpilot. Deploy again.',
    );
  if (await hasOtherDeploymentStartedSince(trx, row, row.started_at ?? row.created_at))
    throw new Problem('conflict', SUPERSEDED_MESSAGE);
  const missing = missingConfiguration(app);
  if (missing !== null) throw new Problem('conflict', missing);
  await requireConfirmedGitHost(trx, app);
  const missingVariables = await describeMissingVariables(trx, app);
  if (missingVariables !== null) throw invalidField('requiredVariables', missingVariables);
  const failedPlan = parsePlan(row.plan);
  const retryPlan = createPlan(app, row);
  if (failedPlan.directory !== retryPlan.directory || failedPlan.repository !== retryPlan.repository)
    throw new Problem('conflict', 'The directory or repository of the app has changed since. Deploy again.');
  return { failedPlan, retryPlan };
}

/** Throws `conflict` if a server was deleted or steps may not run on it. */
async function checkServers(
  context: PlatformContext,
  trx: Trx,
  servers: readonly DeploymentServerTable[],
): Promise<void> {
  for (const { workspace_id: workspaceId, server_id: id } of servers) {
    const server = await findResource(trx, 'server', workspaceId, id);
    if (server === undefined) throw new Problem('conflict', 'A server of this deployment was deleted. Deploy again.');
    await resolveRunTarget(context, server, trx);
  }
}

/** Returns the initial state of the hooks of a retry. A hook that no server repeats keeps its outcome. Pure. */
function hooksOfRetry(
  row: DeploymentTable,
  plan: DeploymentPlan,
  servers: readonly DeploymentServerTable[],
): Deployment['hooks'] {
  const previousHooks = JSON.parse(row.hooks) as Deployment['hooks'];
  const namesToSkip = JSON.parse(row.skip_hooks) as string[];
  const stepsCompletedByAll = Math.min(...servers.map((server) => server.completed_steps));
  const completedNames = preparationSteps(plan)
    .slice(0, stepsCompletedByAll)
    .flatMap((step) => (step.kind === 'hook' ? [step.hook.name] : []));
  const planned = plannedHookResults(
    plan,
    previousHooks.filter(({ name }) => namesToSkip.includes(name)),
  );
  const keptHooks = previousHooks.filter(({ name, status }) => completedNames.includes(name) && status === 'completed');
  return planned.map((hook) => keptHooks.find(({ name }) => name === hook.name) ?? hook);
}

/**
 * Runs a failed deployment again from the failed step, or earlier if hooks or variables have changed, with the same
 * commit, servers, options and release, and with the app's current hooks. Throws `not_found`, `idempotent_replay` for a
 * repeated request, `conflict` if the deployment cannot be retried, and `validation_failed` if required variables have
 * no value.
 */
export function retryDeployment(
  context: PlatformContext,
  request: RequestContext,
  ref: DeploymentRef,
): Promise<Deployment> {
  const { workspaceId } = request;
  return changeAndWake(context, workspaceId, async (trx) => {
    const now = context.clock();
    const row = await requireDeploymentForUpdate(trx, workspaceId, ref.id, ref.app);
    await claimOrRefuseReplay(trx, request.idempotencyClaim, row.id, now);
    const app = await requireResource(trx, 'app', workspaceId, row.app_id);
    const { failedPlan, retryPlan } = await planRetry(trx, app, row);
    const sharedSteps = countSharedSteps(failedPlan, retryPlan);
    const servers = (await listDeploymentServers(trx, workspaceId, [row.id])).map((server) => ({
      ...server,
      completed_steps: Math.min(server.completed_steps, sharedSteps),
    }));
    await checkServers(context, trx, servers);
    for (const server of servers)
      await updateDeploymentServer(trx, server, { status: 'pending', completed_steps: server.completed_steps });
    const attempt = row.attempt + 1;
    const fields = {
      status: 'pending',
      progress: 0,
      attempt,
      hooks: JSON.stringify(hooksOfRetry(row, retryPlan, servers)),
      plan: JSON.stringify(retryPlan),
      next_server: 0,
      under_way: 0,
      decision: null,
      error: null,
      started_at: null,
      finished_at: null,
      updated_at: now,
    };
    await updateDeployment(trx, row, fields);
    await context.logs.reopen(trx, workspaceId, row.id);
    await context.logs.appendSystemLine(
      trx,
      workspaceId,
      row.id,
      `Attempt ${attempt}, requested by ${displayNameOf(request.actor)}.`,
    );
    await enqueueDeployment(context, trx, { ...row, ...fields });
    await recordAuditEvent(
      trx,
      request,
      'deployment.retried',
      { kind: 'deployment', id: row.id, name: app.name },
      now,
      { appId: app.id, commit: row.commit_id, attempt },
    );
    return row.id;
  });
}

/** Returns the overrides of a deployment, which determine who may retry it; undefined if it does not exist. */
export async function overridesOf(
  context: PlatformContext,
  workspaceId: string,
  id: string,
): Promise<Deployment['overrides'] | undefined> {
  const row = await findDeployment(context.store.read, workspaceId, id);
  return row === undefined ? undefined : (JSON.parse(row.overrides) as Deployment['overrides']);
}
