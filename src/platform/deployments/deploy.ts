import type { Deployment } from '../../contract/deployments.ts';
import { DAY, SECOND } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import { JobFailure, type RunningJob, type Suspension } from '../../jobs/jobs.ts';
import { createMask } from '../../runner/mask.ts';
import { createConnectionPool } from '../../runner/ssh-connection.ts';
import {
  credentialExists,
  findDeployment,
  hasOtherDeploymentStartedSince,
  listDeploymentServers,
  updateDeployment,
} from '../../store/deployments.ts';
import { findResource } from '../../store/resources.ts';
import type { DeploymentServerTable, DeploymentTable } from '../../store/schema/deployments.ts';
import { createYielder } from '../bounded-json.ts';
import type { PlatformContext } from '../context.ts';
import { type CommandVariables, selectCommandVariables } from '../environment/command-variables.ts';
import { describeMissingVariables, loadVariables } from '../environment/effective-variables.ts';
import type { LogWriter } from '../logs/log-writer.ts';
import { openDeployKey } from '../resources/deploy-keys.ts';
import { openRepositoryCredentials, type RepositoryCredentials } from '../resources/repository-credentials.ts';
import { deployBatches, resolveDeploymentTarget, rollBackServers } from './batches.ts';
import {
  createPlan,
  type DeploymentPlan,
  missingConfiguration,
  parsePlan,
  SUPERSEDED_MESSAGE,
  waitsForPromotion,
} from './plan.ts';
import { createDeploymentProgress, plannedHookResults } from './progress.ts';
import type { DeploymentRun } from './run-step.ts';
import { pruneReleases } from './server-steps.ts';

/** A canary that is not promoted within this time is rolled back. */
const PROMOTION_TIMEOUT_MS = DAY;
const CREDENTIAL_CHECK_INTERVAL_MS = 2 * SECOND;

/**
 * Throws `JobFailure` if the request contained a health check command, which older versions of Devpilot accepted. Such
 * a deployment may still be pending.
 */
function rejectHealthCheckCommand(row: DeploymentTable): void {
  const overridden = row.health_check === null ? null : (JSON.parse(row.health_check) as DeploymentPlan['healthCheck']);
  if (overridden?.command === undefined) return;
  throw new JobFailure('The health check of this deployment is a command, which is no longer accepted. Deploy again.');
}

/**
 * Returns the stored plan of a deployment that was already running or is retried, and otherwise a new plan. Throws
 * `JobFailure` if the app cannot be deployed.
 */
async function readPlan(context: PlatformContext, row: DeploymentTable): Promise<DeploymentPlan> {
  const plan = row.plan === null ? null : parsePlan(row.plan);
  if (plan !== null && row.status !== 'pending') return plan;
  const app = await findResource(context.store.read, 'app', row.workspace_id, row.app_id);
  if (app === undefined) throw new JobFailure('The app was deleted.');
  const missing = missingConfiguration(app);
  if (missing !== null) throw new JobFailure(missing);
  const missingVariables = await describeMissingVariables(context.store.read, app);
  if (missingVariables !== null) throw new JobFailure(`The required variables ${missingVariables}.`);
  return plan ?? createPlan(app, row);
}

/**
 * Returns the current credentials of the repository; null if the app has none or was deleted, or if its repository has
 * moved. Throws `JobFailure` if the app has a deploy key whose host is not confirmed.
 */
async function findRepositoryCredentials(
  context: PlatformContext,
  row: DeploymentTable,
  plan: DeploymentPlan,
): Promise<RepositoryCredentials | null> {
  const app = await findResource(context.store.read, 'app', row.workspace_id, row.app_id);
  if (app === undefined) return null;
  try {
    const deployKey = await openDeployKey(context, app, plan.repository);
    return deployKey ?? openRepositoryCredentials(context.seal, app, plan.repository);
  } catch (error) {
    throw error instanceof Problem ? new JobFailure(error.message) : error;
  }
}

function secretsOfCredentials(credentials: RepositoryCredentials | null): string[] {
  if (credentials === null) return [];
  if (credentials.kind === 'deploy_key') return [credentials.privateKey];
  return [credentials.password, `${credentials.user}:${credentials.password}`];
}

/** Writes a line to the log if the credential that requested the deployment is deleted while it runs. */
function watchCredential(context: PlatformContext, row: DeploymentTable, log: LogWriter) {
  const { created_by_kind: kind, created_by_id: id, created_by_name: name } = row;
  let exists = kind !== 'person' && id !== null;
  async function check(): Promise<void> {
    if (!exists || id === null || (await credentialExists(context.store.read, row.workspace_id, id))) return;
    // A check that ran at the same time may have written the line.
    if (!exists) return;
    exists = false;
    const credentialKind = kind === 'api_key' ? 'API key' : 'access token';
    log.writeSystemLine(
      `The ${credentialKind} ${name ?? id}, which requested this deployment, was deleted. The deployment continues.`,
    );
  }
  const timer = setInterval(() => void check().catch(() => undefined), CREDENTIAL_CHECK_INTERVAL_MS);
  return {
    async stop() {
      clearInterval(timer);
      await check().catch(() => undefined);
    },
  };
}

/** Stores that the deployment has started, unless that is already stored. Returns the updated row and the plan. */
async function startDeployment(
  context: PlatformContext,
  job: RunningJob,
  row: DeploymentTable,
  variableNames: readonly string[],
): Promise<[DeploymentTable, DeploymentPlan]> {
  const plan = await readPlan(context, row);
  if (row.status === 'processing') return [row, plan];
  const hooks = JSON.parse(row.hooks) as Deployment['hooks'];
  const skipped = hooks.filter(({ status }) => status === 'skipped');
  const now = context.clock();
  const fields = {
    status: 'processing',
    started_at: now,
    updated_at: now,
    plan: JSON.stringify(plan),
    variables: JSON.stringify(variableNames),
    ...(row.attempt === 1 && { hooks: JSON.stringify(plannedHookResults(plan, skipped)) }),
  };
  await job.transaction((trx) => updateDeployment(trx, row, fields));
  return [{ ...row, ...fields }, plan];
}

/**
 * Throws `JobFailure` if a deployment must not be performed: a node was lost while it ran, a newer deployment
 * supersedes the retry, or its health check is a command.
 */
async function checkMayRun(context: PlatformContext, row: DeploymentTable, initialRow: DeploymentTable): Promise<void> {
  if (row.under_way === 1) {
    throw new JobFailure('The node that ran this deployment was lost or stopped before it finished.');
  }
  // The retry was requested when the row last changed.
  if (
    row.attempt > 1 &&
    initialRow.status === 'pending' &&
    (await hasOtherDeploymentStartedSince(context.store.read, row, initialRow.updated_at))
  )
    throw new JobFailure(SUPERSEDED_MESSAGE);
  rejectHealthCheckCommand(row);
}

/** Throws `JobFailure` if commands cannot receive the variables, and logs the variables that they do not receive. */
function checkCommandVariables({ row, plan, log }: DeploymentRun, { withheld, problem }: CommandVariables): void {
  const hasHealthCheckCommand = plan.healthCheck?.command !== undefined;
  const needsEnvironment = hasHealthCheckCommand || plan.hooks.some(({ variables }) => variables === 'environment');
  if (needsEnvironment && problem !== null) throw new JobFailure(problem);
  const hasCommands = hasHealthCheckCommand || plan.hooks.length > 0;
  if (!hasCommands || withheld.length === 0 || row.next_server > 0) return;
  log.writeSystemLine(
    `Written to .env only, because they control how programs run or are set by Devpilot: ${withheld.join(', ')}.`,
  );
}

/** Removes old releases on all servers. The new release is already live, so failures are ignored. */
async function pruneAllServers(
  context: PlatformContext,
  job: RunningJob,
  deployment: DeploymentRun,
  servers: readonly DeploymentServerTable[],
): Promise<void> {
  for (const server of servers) {
    try {
      const target = await resolveDeploymentTarget(context, deployment, server);
      await pruneReleases(deployment, target, job.fenceSignal);
    } catch (error) {
      if (!(error instanceof JobFailure)) throw error;
    }
  }
}

/**
 * Performs a deployment. The live release stays active until the new release is activated; if the deployment fails or
 * is cancelled after that, the previous release is restored. A node that takes over a running deployment rolls it back,
 * and the deployment fails, because it is unknown how far a hook got.
 */
export async function deploy(context: PlatformContext, job: RunningJob): Promise<Suspension | undefined> {
  const { workspaceId, resourceId } = job;
  const initialRow = await findDeployment(context.store.read, workspaceId, resourceId);
  if (initialRow === undefined) throw new JobFailure('The deployment was deleted.');
  const log = context.logs.writer(workspaceId, resourceId);
  const watch = watchCredential(context, initialRow, log);
  const connections = createConnectionPool();
  try {
    const variablesByName = await loadVariables(context, workspaceId, initialRow.app_id);
    const [row, plan] = await startDeployment(context, job, initialRow, Object.keys(variablesByName));
    const variables = new Map(Object.entries(variablesByName));
    const commandVariables = selectCommandVariables(variablesByName);
    const credentials = await findRepositoryCredentials(context, row, plan);
    const mask = await createMask([...variables.values(), ...secretsOfCredentials(credentials)], createYielder());
    const servers = await listDeploymentServers(context.store.read, workspaceId, [row.id]);
    const progress = createDeploymentProgress(context, job, row, plan, servers.length);
    const deployment: DeploymentRun = {
      row,
      plan,
      credentials,
      variables,
      commandVariables: commandVariables.passed,
      mask,
      log,
      progress,
      connections,
    };
    try {
      await checkMayRun(context, row, initialRow);
      checkCommandVariables(deployment, commandVariables);
      job.signal.throwIfAborted();
      if (waitsForPromotion(row) && row.updated_at + PROMOTION_TIMEOUT_MS <= context.clock()) {
        throw new JobFailure('The deployment was not promoted within a day.');
      }
      if ((await deployBatches(context, job, deployment, servers)) === 'awaiting_promotion') {
        return {
          until: context.clock() + PROMOTION_TIMEOUT_MS,
          shouldWait: async (trx) => (await findDeployment(trx, workspaceId, row.id))?.decision === null,
        };
      }
    } catch (error) {
      if (job.fenceSignal.aborted) throw error;
      log.writeSystemLine(error instanceof JobFailure ? error.message : 'The deployment stops here.');
      const rollbackFailure = await rollBackServers(context, job, deployment, error instanceof JobFailure);
      if (rollbackFailure === null) throw error;
      throw error instanceof JobFailure
        ? new JobFailure(`${error.message} ${rollbackFailure.message}`)
        : rollbackFailure;
    }
    await pruneAllServers(context, job, deployment, servers);
    return undefined;
  } finally {
    await connections.close();
    await watch.stop();
    await log.end();
  }
}
