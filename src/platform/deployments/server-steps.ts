import { SECOND } from '../../contract/limits.ts';
import { formatSeconds } from '../../contract/seconds.ts';
import { JobFailure } from '../../jobs/jobs.ts';
import type { Step } from '../../runner/run.ts';
import { shellCommand } from '../../runner/shell-command.ts';
import { hookEnvironment, restartPreviousRelease, runHook } from './hooks.ts';
import { type DeploymentPlan, hooksOfStage, stepsUntilCheckout } from './plan.ts';
import { type DeploymentRun, type DeploymentTarget, pause, runScript, runStep } from './run-step.ts';
import { ACTIVATE_SCRIPT, HEALTH_CHECK_SCRIPT, PRUNE_SCRIPT, ROLLBACK_SCRIPT } from './shell-scripts.ts';

const HEALTH_CHECK_TIMEOUT_MS = 15 * SECOND;
const HEALTH_CHECK_INTERVAL_MS = SECOND;

/** Returns the step of one attempt: the command of the health check or, without a command, a request to its URL. */
function healthCheckStep(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  { command, url }: NonNullable<DeploymentPlan['healthCheck']>,
  remainingMs: number,
): Step {
  if (command === undefined) {
    return {
      command: shellCommand(HEALTH_CHECK_SCRIPT),
      environment: { DP_URL: url ?? '' },
      timeoutMs: Math.min(remainingMs, HEALTH_CHECK_TIMEOUT_MS),
    };
  }
  return {
    command: shellCommand(command),
    cwd: `${deployment.plan.directory}/current`,
    environment: {
      ...deployment.commandVariables,
      ...hookEnvironment(deployment, 'post_release', target.server.previous),
    },
    timeoutMs: remainingMs,
  };
}

/** Repeats the app's health check until it succeeds. Throws `JobFailure` after the timeout of the health check. */
async function waitUntilHealthy(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  signal: AbortSignal,
): Promise<void> {
  const { healthCheck } = deployment.plan;
  if (healthCheck === null) return;
  const { timeoutSeconds } = healthCheck;
  const deadlineMs = performance.now() + timeoutSeconds * SECOND;
  for (;;) {
    const remainingMs = Math.max(100, deadlineMs - performance.now());
    const step = healthCheckStep(deployment, target, healthCheck, remainingMs);
    const result = await runStep(deployment, target, 'health_check', step, signal);
    if (result.exitCode === 0 && !result.timedOut) return;
    if (performance.now() + HEALTH_CHECK_INTERVAL_MS > deadlineMs) {
      const suffix = result.lastLine === '' ? '' : `: ${result.lastLine.slice(0, 500)}`;
      throw new JobFailure(`${target.name}: the app was not healthy within ${formatSeconds(timeoutSeconds)}${suffix}`);
    }
    await pause(HEALTH_CHECK_INTERVAL_MS, signal);
  }
}

/** Activates the release, runs the `post_release` hooks, and waits until the app is healthy. */
export async function activateRelease(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  signal: AbortSignal,
): Promise<void> {
  const { progress, log } = deployment;
  await runScript(deployment, target, 'release', 'activating the release', ACTIVATE_SCRIPT, signal);
  log.writeSystemLine('The release is active.', 'release', target.server.server_id);
  await progress.advance();
  for (const hook of hooksOfStage(deployment.plan, 'post_release')) await runHook(deployment, target, hook, signal);
  await waitUntilHealthy(deployment, target, signal);
  await progress.advance();
  await progress.setServer(target.server, { status: 'completed' });
}

/**
 * If the new release is live on a server, makes the previous release live again and runs every `post_release` hook to
 * restart it, even if some hooks fail. Throws one `JobFailure` at the end for all failures. Removes the new release,
 * unless the deployment may be retried and the source of the release is checked out.
 */
export async function rollBackServer(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  mayBeRetried: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { previous, server_id: serverId, completed_steps: completedSteps } = target.server;
  const keepsRelease = mayBeRetried && completedSteps >= stepsUntilCheckout(deployment.plan);
  if (previous === null) return;
  const result = await runScript(
    deployment,
    target,
    'restore',
    'rolling back to the previous release',
    ROLLBACK_SCRIPT,
    signal,
    {
      environment: { DP_PREVIOUS: previous, DP_KEEP_RELEASE: keepsRelease ? '1' : '' },
      outputNames: ['restored', 'kept'],
    },
  );
  const failures: string[] = [];
  const keptPath = result.outputs.get('kept');
  if (keptPath !== undefined)
    failures.push(`${target.name}: ${keptPath} could not be removed completely: ${result.lastLine}`);
  if (result.outputs.has('restored')) {
    const message = previous === '' ? 'No release is active, as before.' : 'The previous release is active again.';
    deployment.log.writeSystemLine(message, 'restore', serverId);
    if (previous !== '') failures.push(...(await restartPreviousRelease(deployment, target, previous, signal)));
  }
  if (failures.length > 0) throw new JobFailure(failures.join(' '));
}

/** Removes old releases beyond the number that the app keeps. Failures are logged and otherwise ignored. */
export async function pruneReleases(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  signal: AbortSignal,
): Promise<void> {
  try {
    await runScript(deployment, target, 'prune', 'removing old releases', PRUNE_SCRIPT, signal, {
      environment: { DP_KEEP: String(deployment.plan.keepReleases) },
    });
  } catch (error) {
    if (!(error instanceof JobFailure)) throw error;
    deployment.log.writeSystemLine(error.message, 'prune', target.server.server_id);
  }
}
