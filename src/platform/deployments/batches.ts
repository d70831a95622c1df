import { SECOND } from '../../contract/limits.ts';
import { Problem } from '../../contract/problem.ts';
import { formatSeconds } from '../../contract/seconds.ts';
import { JobFailure, type RunningJob } from '../../jobs/jobs.ts';
import type { RetryDelays } from '../../runner/ssh-connection.ts';
import { listDeploymentServers, updateDeployment, updateDeploymentServerStatuses } from '../../store/deployments.ts';
import { findResource } from '../../store/resources.ts';
import type { DeploymentServerTable } from '../../store/schema/deployments.ts';
import type { PlatformContext } from '../context.ts';
import { resolveRunTarget } from '../resources/run-target.ts';
import { nextBatch, waitsForPromotion } from './plan.ts';
import { prepareRelease } from './prepare-release.ts';
import { type DeploymentRun, type DeploymentTarget, pause } from './run-step.ts';
import { activateRelease, rollBackServer } from './server-steps.ts';

/** Returns the target for the steps on a server, which share one connection. Throws `JobFailure`. */
export async function resolveDeploymentTarget(
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

/**
 * Runs a function for several servers concurrently. The first failure aborts the other calls, and is thrown when all of
 * them have ended.
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

/** Deploys to one batch of servers: prepares the release on all of them, then activates it on all of them. */
async function deployBatch(
  deployment: DeploymentRun,
  targets: readonly DeploymentTarget[],
  signal: AbortSignal,
): Promise<void> {
  const { progress } = deployment;
  const { commit_id: knownCommit, next_server: nextServer } = progress.row();
  const resolvedCommit = Promise.withResolvers<string>();
  resolvedCommit.promise.catch(() => undefined);
  // A commit ID has 40 characters (SHA-1) or 64 (SHA-256), unless it is abbreviated.
  const isFullCommit = knownCommit !== null && knownCommit.length >= 40;
  const prepared = await runOnEach(targets, signal, async (target, combinedSignal) => {
    const isFirst = target === targets[0];
    try {
      // The first server of the first batch resolves and verifies the commit; all other servers deploy the same commit.
      const select = async () =>
        isFullCommit || isFirst
          ? { commit: knownCommit, isVerified: nextServer > 0 }
          : { commit: await resolvedCommit.promise, isVerified: true };
      const onFound = async (id: string, tag: string | null) => {
        if (!isFirst) return;
        if (id !== knownCommit || nextServer === 0) await progress.commitFound(id, tag);
        resolvedCommit.resolve(id);
      };
      return await prepareRelease(deployment, target, { select, onFound }, combinedSignal);
    } catch (error) {
      resolvedCommit.reject(error);
      throw error;
    }
  });
  await runOnEach(prepared, signal, (target, combinedSignal) => activateRelease(deployment, target, combinedSignal));
}

/**
 * Rolls back every server on which this deployment has started. Returns a failure that describes the servers that could
 * not be rolled back; null if there are none. `mayBeRetried` determines whether the new release is kept for a retry.
 */
export async function rollBackServers(
  context: PlatformContext,
  job: RunningJob,
  deployment: DeploymentRun,
  mayBeRetried: boolean,
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
            await resolveDeploymentTarget(context, deployment, server, context.connectRetryDelays.long),
            mayBeRetried,
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
    await updateDeploymentServerStatuses(trx, row.workspace_id, row.id, ['completed'], 'cancelled');
    await updateDeployment(trx, row, { under_way: 0, updated_at: context.clock() });
  });
  return failures.length === 0 ? null : new JobFailure(`Rollback failed on some servers. ${failures.join(' ')}`);
}

/** Deploys the remaining batches in order, until all are done or the other servers of a canary wait for promotion. */
export async function deployBatches(
  context: PlatformContext,
  job: RunningJob,
  deployment: DeploymentRun,
  servers: readonly DeploymentServerTable[],
): Promise<'done' | 'awaiting_promotion'> {
  const { progress, log, row } = deployment;
  for (;;) {
    const currentRow = progress.row();
    if (waitsForPromotion(currentRow)) {
      log.writeSystemLine('The first server runs the new release. Promote this deployment, or abort it.');
      return 'awaiting_promotion';
    }
    const batch = nextBatch(currentRow, servers.length);
    if (batch === null) return 'done';
    if (batch.from > 0 && row.pause_seconds > 0) {
      log.writeSystemLine(`Waiting ${formatSeconds(row.pause_seconds)} before the next batch.`);
      await pause(row.pause_seconds * SECOND, job.signal);
    }
    await progress.update({ under_way: 1 });
    const targets = await Promise.all(
      servers.slice(batch.from, batch.to).map((server) => resolveDeploymentTarget(context, deployment, server)),
    );
    await deployBatch(deployment, targets, job.signal);
    await progress.update({ under_way: 0, next_server: batch.to });
  }
}
