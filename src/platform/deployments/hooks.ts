import type { DevpilotEnvironment } from '../../contract/control-variables.ts';
import { MINUTE, SECOND } from '../../contract/limits.ts';
import { HOOK_STAGES, type HookStage } from '../../contract/platform-vocabulary.ts';
import { JobFailure } from '../../jobs/jobs.ts';
import type { Step } from '../../runner/run.ts';
import { shellCommand } from '../../runner/shell-command.ts';
import type { AppHook } from '../resources/stored-hooks.ts';
import { hooksOfStage } from './plan.ts';
import { type DeploymentRun, type DeploymentTarget, pause, runStep, type StepResult, stepFailure } from './run-step.ts';

/** Maximum timeout of a hook that restarts the previous release, so that a cancellation does not take hours. */
const RESTART_HOOK_TIMEOUT_MS = 2 * MINUTE;
/** Delay before the first retry of a hook; it doubles with each retry. */
const FIRST_RETRY_DELAY_MS = SECOND;

/**
 * Returns the variables that hooks and health check commands receive in addition to the app's variables. `previous` is
 * the path of the server's previous release, relative to the app's directory; empty or null if there is none.
 */
export function hookEnvironment(
  deployment: DeploymentRun,
  stage: HookStage,
  previous: string | null,
): DevpilotEnvironment {
  const { row, plan } = deployment;
  const current = deployment.progress.row();
  return {
    DEVPILOT_APP: plan.app,
    DEVPILOT_DEPLOYMENT_ID: row.id,
    DEVPILOT_STAGE: stage,
    DEVPILOT_DIRECTORY: plan.directory,
    DEVPILOT_RELEASE: `${plan.directory}/releases/${row.id}`,
    DEVPILOT_BRANCH: current.branch ?? '',
    DEVPILOT_TAG: current.tag ?? '',
    DEVPILOT_COMMIT: current.commit_id ?? '',
    DEVPILOT_PREVIOUS: previous === null || previous === '' ? '' : `${plan.directory}/${previous}`,
  };
}

function workingDirectoryOf({ plan, row }: DeploymentRun, stage: HookStage): string {
  if (stage === 'post_release') return `${plan.directory}/current`;
  const isBeforeCheckout = HOOK_STAGES.indexOf(stage) < HOOK_STAGES.indexOf('post_source_control');
  return isBeforeCheckout ? plan.directory : `${plan.directory}/releases/${row.id}`;
}

function hookStep(deployment: DeploymentRun, hook: AppHook, previous: string | null): Step {
  const asFiles = hook.variables === 'files';
  return {
    command: shellCommand(hook.run, hook.interpreter),
    cwd: workingDirectoryOf(deployment, hook.stage),
    environment: {
      ...(asFiles ? {} : deployment.commandVariables),
      ...hookEnvironment(deployment, hook.stage, previous),
    },
    ...(asFiles && { files: { variable: 'DEVPILOT_VARIABLES_DIR', contents: deployment.commandVariables } }),
    timeoutMs: hook.timeoutSeconds * SECOND,
  };
}

const hasSucceeded = (result: StepResult) => result.exitCode === 0 && !result.timedOut;

/** Runs a hook until it succeeds or has no retries left. Throws `JobFailure` if it fails, or the signal's reason. */
export async function runHook(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  hook: AppHook,
  signal: AbortSignal,
): Promise<void> {
  const { progress, log } = deployment;
  await progress.hookStarted(hook.name);
  for (let attempt = 1; ; attempt++) {
    const result = await runStep(
      deployment,
      target,
      hook.name,
      hookStep(deployment, hook, target.server.previous),
      signal,
    );
    const hasEnded = hasSucceeded(result) || attempt > hook.retries;
    const outcome = { exitCode: result.exitCode, durationMs: result.durationMs, attempts: attempt };
    if (hasEnded) await progress.hookEnded(hook.name, outcome, hasSucceeded(result));
    if (hasSucceeded(result)) return;
    const failure = stepFailure(target, `the hook ${hook.name}`, result);
    if (hasEnded) throw failure;
    const delayMs = FIRST_RETRY_DELAY_MS * 2 ** (attempt - 1);
    log.writeSystemLine(
      `${failure.message}. Attempt ${attempt + 1} of ${hook.retries + 1} starts in ${delayMs / SECOND} s.`,
      hook.name,
      target.server.server_id,
    );
    await pause(delayMs, signal);
  }
}

/**
 * Runs the `post_release` hooks, without retries, to restart the previous release after a rollback. Returns a
 * description of each failure.
 */
export async function restartPreviousRelease(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  previous: string,
  signal: AbortSignal,
): Promise<string[]> {
  const failures: string[] = [];
  for (const hook of hooksOfStage(deployment.plan, 'post_release')) {
    const step = hookStep(deployment, hook, previous);
    const timeoutMs = Math.min(hook.timeoutSeconds * SECOND, RESTART_HOOK_TIMEOUT_MS);
    try {
      const result = await runStep(deployment, target, hook.name, { ...step, timeoutMs }, signal);
      if (!hasSucceeded(result)) throw stepFailure(target, `the hook ${hook.name}, for the previous release,`, result);
    } catch (error) {
      if (!(error instanceof JobFailure)) throw error;
      failures.push(error.message);
    }
  }
  return failures;
}
