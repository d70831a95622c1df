import { setTimeout as pause } from 'node:timers/promises';
import { DAY, SECOND } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import { JobFailure, type RunningJob, type Suspension } from '../../jobs/jobs.ts';
import { createMask } from '../../runner/mask.ts';
import { createConnectionPool, type RetryDelays } from '../../runner/ssh-connection.ts';
import {
  credentialExists,
  findDeployment,
  listDeploymentServers,
  updateDeployment,
  updateServerStatuses,
} from '../../store/deployments.ts';
import { findResource } from '../../store/resources.ts';
import type { DeploymentServerTable, DeploymentTable } from '../../store/schema.ts';
import type { PlatformContext } from '../context.ts';
import { loadVariables, selectCommandVariables } from '../environment/environment.ts';
import type { LogWriter } from '../logs/logs.ts';
import { openRepositoryCredentials, type RepositoryCredentials } from '../resources/repository-credentials.ts';
import { resolveRunTarget } from '../resources/servers.ts';
import { createPlan, type DeploymentPlan, missingConfiguration, nextBatch, waitsForPromotion } from './plan.ts';
import { createDeploymentProgress, plannedHookResults } from './progress.ts';
import {
  activateRelease,
  type DeploymentRun,
  type DeploymentTarget,
  prepareRelease,
  pruneReleases,
  rollBackServer,
} from './server-steps.ts';

/** A canary that is not promoted within this time is rolled back. */
const PROMOTION_TIMEOUT_MS = DAY;
const CREDENTIAL_CHECK_INTERVAL_MS = 2 * SECOND;

/**
 * Throws for a health check command in the request: earlier versions accepted one, and such a deployment may still be
 * pending.
 */
function refuseHealthCheckCommand(row: DeploymentTable): void {
  const overridden = row.health_check === null ? null : (JSON.parse(row.health_check) as DeploymentPlan['healthCheck']);
  if (overridden?.command === undefined) return;
  throw new JobFailure('The health check of this deployment is a command, which is no longer accepted. Deploy again.');
}

/** Returns the plan for an app that can be deployed. */
async function readPlan(context: PlatformContext, row: DeploymentTable): Promise<DeploymentPlan> {
  if (row.plan !== null) return JSON.parse(row.plan) as DeploymentPlan;
  const app = await findResource(context.store.read, 'app', row.workspace_id, row.app_id);
  if (app === undefined) throw new JobFailure('The app was deleted.');
  const missing = missingConfiguration(app);
  if (missing !== null) throw new JobFailure(missing);
  return createPlan(app, row);
}

/** The current credentials of the repository; null if the app is deleted or its repository has moved. */
async function findRepositoryCredentials(
  context: PlatformContext,
  row: DeploymentTable,
  plan: DeploymentPlan,
): Promise<RepositoryCredentials | null> {
  const app = await findResource(context.store.read, 'app', row.workspace_id, row.app_id);
  return app === undefined ? null : openRepositoryCredentials(context.seal, app, plan.repository);
}

const secretsOfCredentials = (credentials: RepositoryCredentials | null): string[] =>
  credentials === null ? [] : [credentials.password, `${credentials.user}:${credentials.password}`];

/** Opens a server; all of its steps share one connection. Throws `JobFailure`. */
async function resolveDeploymentTarget(
  context: PlatformContext,
  deployment: Pick<DeploymentRun, 'connections'>,
  server: DeploymentServerTable,
  retryDelays?: RetryDelays,
): Promise<DeploymentTarget> {
  const row = await findResource(context.store.read, 'server', server.workspace_id, server.server_id);
  if (row === undefined) throw new JobFailure(`The server ${server.server_id} was deleted.`);
  try {
    const target = deployment.connections.pooled(await resolveRunTarget(context, row), retryDelays);
    return { server, name: row.name, runTarget: target };
  } catch (error) {
    if (error instanceof Problem) throw new JobFailure(`${row.name}: ${error.message}`);
    throw error;
  }
}

/** Writes a line to the log if the credential that started this is deleted meanwhile; the deployment continues. */
function watchCredential(context: PlatformContext, row: DeploymentTable, log: LogWriter) {
  const { created_by_kind: kind, created_by_id: id, created_by_name: name } = row;
  let exists = kind !== 'person' && id !== null;
  async function check(): Promise<void> {
    if (!exists || id === null || (await credentialExists(context.store.read, row.workspace_id, id))) return;
    if (!exists) return;
    exists = false;
    const credentialKind = kind === 'api_key' ? 'API key' : 'access token';
    log.writeSystemLine(`The ${credentialKind} ${name ?? id} that started this was deleted. The deployment continues.`);
  }
  const timer = setInterval(() => void check().catch(() => undefined), CREDENTIAL_CHECK_INTERVAL_MS);
  return {
    async stop() {
      clearInterval(timer);
      await check().catch(() => undefined);
    },
  };
}

/**
 * Runs a function on several servers concurrently. The first failure aborts the others, and is thrown when all have
 * ended.
 */
async function runOnEach<T>(
  targets: readonly DeploymentTarget[],
  signal: AbortSignal,
  action: (target: DeploymentTarget, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const abortOthers = new AbortController();
  const combinedSignal = AbortSignal.any([signal, abortOthers.signal]);
  let firstFailure: { error: unknown } | null = null;
  const results = await Promise.allSettled(
    targets.map(async (target) => {
      try {
        return await action(target, combinedSignal);
      } catch (error) {
        firstFailure ??= { error };
        abortOthers.abort(error);
        throw error;
      }
    }),
  );
  if (firstFailure !== null) throw (firstFailure as { error: unknown }).error;
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}

/** Deploys to one batch of servers; all of them are ready before the first is switched. */
async function deployBatch(
  deployment: DeploymentRun,
  targets: readonly DeploymentTarget[],
  signal: AbortSignal,
): Promise<DeploymentTarget[]> {
  const { progress } = deployment;
  const { commit_id: known, next_server: batch } = progress.row();
  let resolve: (commit: string) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const firstCommit = new Promise<string>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  firstCommit.catch(() => undefined);
  const isFullCommit = known !== null && known.length >= 40;
  const prepared = await runOnEach(targets, signal, async (target, combinedSignal) => {
    const isFirst = target === targets[0];
    try {
      // All servers get the commit that the first one resolved.
      const commit = async () =>
        isFullCommit || isFirst ? { commit: known, isKnown: batch > 0 } : { commit: await firstCommit, isKnown: true };
      const onCommitFound = async (id: string) => {
        if (!isFirst) return;
        if (id !== known) await progress.update({ commit_id: id });
        resolve(id);
      };
      return await prepareRelease(deployment, target, commit, onCommitFound, combinedSignal);
    } catch (error) {
      reject(error);
      throw error;
    }
  });
  return await runOnEach(prepared, signal, async (target, combinedSignal) => {
    await activateRelease(deployment, target, combinedSignal);
    return target;
  });
}

/**
 * Rolls back every server that this deployment has reached. Returns a failure describing the servers that could not
 * be rolled back, or null.
 */
async function rollBackServers(
  context: PlatformContext,
  job: RunningJob,
  deployment: DeploymentRun,
): Promise<JobFailure | null> {
  const { row } = deployment;
  const servers = await listDeploymentServers(context.store.read, row.workspace_id, [row.id]);
  const failures: string[] = [];
  await Promise.all(
    servers
      .filter(({ previous }) => previous !== null)
      .map(async (server) => {
        try {
          await rollBackServer(
            deployment,
            await resolveDeploymentTarget(context, deployment, server, context.connectRetryDelays.rollback),
            job.fenceSignal,
          );
        } catch (error) {
          if (!(error instanceof JobFailure)) throw error;
          deployment.log.writeSystemLine(error.message, 'restore', server.server_id);
          failures.push(error.message);
        }
      }),
  );
  await job.transaction(async (trx) => {
    await updateServerStatuses(trx, row.workspace_id, row.id, ['completed'], 'cancelled');
    await updateDeployment(trx, row, { under_way: 0, updated_at: context.clock() });
  });
  return failures.length === 0 ? null : new JobFailure(`Rollback failed on some servers. ${failures.join(' ')}`);
}

/** Deploys the remaining batches in order; returns null when the rest waits for promotion. */
async function deployBatches(
  context: PlatformContext,
  job: RunningJob,
  deployment: DeploymentRun,
  servers: readonly DeploymentServerTable[],
): Promise<'done' | 'parked'> {
  const { progress, log, row } = deployment;
  for (;;) {
    const now = progress.row();
    if (waitsForPromotion(now)) {
      log.writeSystemLine('The first server runs the new release. Promote this deployment, or abort it.');
      return 'parked';
    }
    const batch = nextBatch(now, servers.length);
    if (batch === null) return 'done';
    if (batch.from > 0 && row.pause_seconds > 0) {
      log.writeSystemLine(`Waiting ${row.pause_seconds} seconds before the next batch.`);
      await pause(row.pause_seconds * SECOND, undefined, { signal: job.signal }).catch(() => {
        throw job.signal.reason;
      });
    }
    await progress.update({ under_way: 1 });
    const targets = await Promise.all(
      servers.slice(batch.from, batch.to).map((server) => resolveDeploymentTarget(context, deployment, server)),
    );
    await deployBatch(deployment, targets, job.signal);
    await progress.update({ under_way: 0, next_server: batch.to });
  }
}

async function startDeployment(
  context: PlatformContext,
  job: RunningJob,
  row: DeploymentTable,
): Promise<[DeploymentTable, DeploymentPlan]> {
  const plan = await readPlan(context, row);
  if (row.status === 'processing') return [row, plan];
  const skipped = (JSON.parse(row.hooks) as Parameters<typeof plannedHookResults>[1]).filter(
    ({ status }) => status === 'skipped',
  );
  const now = context.clock();
  const fields = {
    status: 'processing',
    started_at: now,
    updated_at: now,
    plan: JSON.stringify(plan),
    hooks: JSON.stringify(plannedHookResults(plan, skipped)),
  };
  await job.transaction((trx) => updateDeployment(trx, row, fields));
  return [{ ...row, ...fields }, plan];
}

/**
 * Executes a deployment. Nothing live is changed before the switch; a failure or cancellation after it rolls back
 * what was switched. A node that takes over rolls back and fails, since it cannot know what a hook has done.
 */
export async function deploy(context: PlatformContext, job: RunningJob): Promise<Suspension | undefined> {
  const { workspaceId, resourceId } = job;
  const found = await findDeployment(context.store.read, workspaceId, resourceId);
  if (found === undefined) throw new JobFailure('The deployment was deleted.');
  const log = context.logs.writer(workspaceId, resourceId);
  const watch = watchCredential(context, found, log);
  const connections = createConnectionPool();
  try {
    const [row, plan] = await startDeployment(context, job, found);
    const variablesByName = await loadVariables(context, workspaceId, row.app_id);
    const variables = new Map(Object.entries(variablesByName));
    const { passed, withheld, problem } = selectCommandVariables(variablesByName);
    const credentials = await findRepositoryCredentials(context, row, plan);
    const mask = createMask([...variables.values(), ...secretsOfCredentials(credentials)]);
    const servers = await listDeploymentServers(context.store.read, workspaceId, [row.id]);
    const progress = createDeploymentProgress(context, job, row, plan, servers.length);
    const deployment: DeploymentRun = {
      row,
      plan,
      credentials,
      variables,
      commandVariables: passed,
      mask,
      log,
      progress,
      connections,
    };
    try {
      if (row.under_way === 1) {
        throw new JobFailure('The node that ran this deployment was lost or stopped before it finished.');
      }
      refuseHealthCheckCommand(row);
      const hasCommands = plan.hooks.length > 0 || plan.healthCheck?.command !== undefined;
      if (hasCommands && problem !== null) throw new JobFailure(problem);
      if (hasCommands && withheld.length > 0 && row.next_server === 0) {
        log.writeSystemLine(
          `Written to .env only, because they control how programs run or are set by Devpilot: ${withheld.join(', ')}.`,
        );
      }
      job.signal.throwIfAborted();
      if (waitsForPromotion(row) && row.updated_at + PROMOTION_TIMEOUT_MS <= context.clock()) {
        throw new JobFailure('The deployment was not promoted within a day.');
      }
      if ((await deployBatches(context, job, deployment, servers)) === 'parked') {
        return {
          until: context.clock() + PROMOTION_TIMEOUT_MS,
          shouldWait: async (trx) => (await findDeployment(trx, workspaceId, row.id))?.decision === null,
        };
      }
    } catch (error) {
      if (job.fenceSignal.aborted) throw error;
      log.writeSystemLine(error instanceof JobFailure ? error.message : 'The deployment stops here.');
      const rollbackFailure = await rollBackServers(context, job, deployment);
      if (rollbackFailure === null) throw error;
      throw error instanceof JobFailure
        ? new JobFailure(`${error.message} ${rollbackFailure.message}`)
        : rollbackFailure;
    }
    // The release is live now, whether or not the clean-up succeeds.
    for (const server of servers) {
      await resolveDeploymentTarget(context, deployment, server)
        .then((target) => pruneReleases(deployment, target, job.fenceSignal))
        .catch((error: unknown) => {
          if (!(error instanceof JobFailure)) throw error;
        });
    }
    return undefined;
  } finally {
    await connections.close();
    await watch.stop();
    await log.end();
  }
}
