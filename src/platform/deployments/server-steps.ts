import { setTimeout as pause } from 'node:timers/promises';
import { writeShellDotenv } from '../../contract/dotenv.ts';
import { MINUTE, SECOND } from '../../contract/limits.ts';
import { JobFailure } from '../../jobs/jobs.ts';
import type { Step } from '../../runner/run.ts';
import { shellCommand } from '../../runner/shell-command.ts';
import { gitEnvironment, hooksOfStage } from './plan.ts';
import {
  type DeploymentRun,
  type DeploymentTarget,
  hookEnvironment,
  runHooks,
  runScript,
  runStep,
  stepFailure,
  toShellCommand,
} from './run-step.ts';
import {
  ACTIVATE_SCRIPT,
  CHECKOUT,
  HEALTH_CHECK,
  PREPARE_SCRIPT,
  PRUNE_SCRIPT,
  ROLLBACK_SCRIPT,
  SETUP_SCRIPT,
} from './shell-scripts.ts';

/** The first fetch may be that of a large repository. */
const FETCH_TIMEOUT_MS = 30 * MINUTE;
const HEALTH_CHECK_TIMEOUT_MS = 15 * SECOND;
const HEALTH_CHECK_INTERVAL_MS = SECOND;
/** Hooks that restart the previous release; a cancellation must not wait for hours. */
const RESTART_HOOK_TIMEOUT_MS = 2 * MINUTE;

/** The commit to check out; null if this server resolves it. */
export interface CommitSelection {
  readonly commit: string | null;
  /** Whether this deployment has already verified that a branch or tag contains it. */
  readonly isKnown: boolean;
}

/** Performs everything before the switch. */
export async function prepareRelease(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  selectCommit: () => Promise<CommitSelection>,
  onCommitFound: (commit: string, tag: string | null) => Promise<void>,
  signal: AbortSignal,
): Promise<DeploymentTarget> {
  const { plan, row, progress, log } = deployment;
  const serverId = target.server.server_id;
  const prepared = await runScript(deployment, target, 'prepare', 'preparing the directory', PREPARE_SCRIPT, signal, {
    outputNames: ['previous'],
  });
  const previous = prepared.outputs.get('previous') ?? '';
  await progress.setServer(target.server, { previous, status: 'processing' });
  const preparedTarget: DeploymentTarget = { ...target, server: { ...target.server, previous } };
  await progress.advance();
  await runHooks(deployment, preparedTarget, 'pre_execution', signal);
  await runHooks(deployment, preparedTarget, 'pre_source_control', signal);
  const selection = await selectCommit();
  const checkedOut = await runScript(
    deployment,
    preparedTarget,
    'source_control',
    'fetching the source',
    CHECKOUT,
    signal,
    {
      environment: {
        ...gitEnvironment(deployment.credentials),
        DP_REPOSITORY: plan.repository,
        DP_BRANCH: row.branch ?? '',
        DP_TAG: row.tag ?? '',
        DP_COMMIT: selection.commit ?? '',
        DP_KNOWN: selection.isKnown ? '1' : '',
        DP_ROLLBACK: row.kind === 'rollback' ? '1' : '',
      },
      timeoutMs: FETCH_TIMEOUT_MS,
      outputNames: ['commit', 'tag'],
    },
  );
  const [id = '', ...subject] = (checkedOut.outputs.get('commit') ?? '').split(' ');
  log.writeSystemLine(`Commit ${id} ${subject.join(' ')}`.trim(), 'source_control', serverId);
  await onCommitFound(id, checkedOut.outputs.get('tag') ?? null);
  await progress.advance();
  await runHooks(deployment, preparedTarget, 'post_source_control', signal);
  const { size } = deployment.variables;
  await runScript(deployment, preparedTarget, 'setup', 'setting up the release', SETUP_SCRIPT, signal, {
    environment: { DP_VARIABLES: size === 0 ? '' : String(size) },
    stdin: writeShellDotenv(deployment.variables),
  });
  await progress.advance();
  await runHooks(deployment, preparedTarget, 'post_setup', signal);
  return preparedTarget;
}

/** Repeats the health check until it succeeds. Throws `JobFailure` if it does not in time. */
async function untilHealthy(deployment: DeploymentRun, target: DeploymentTarget, signal: AbortSignal): Promise<void> {
  const { healthCheck } = deployment.plan;
  if (healthCheck === null) return;
  const { command, url, timeoutSeconds } = healthCheck;
  const deadlineMs = performance.now() + timeoutSeconds * SECOND;
  for (;;) {
    const remainingMs = Math.max(100, deadlineMs - performance.now());
    const step: Step =
      command === undefined
        ? {
            command: toShellCommand(HEALTH_CHECK),
            environment: { DP_URL: (url ?? '').replace(/["\\]/g, '\\$&') },
            timeoutMs: Math.min(remainingMs, HEALTH_CHECK_TIMEOUT_MS),
          }
        : {
            command: toShellCommand(command),
            cwd: `${deployment.plan.directory}/current`,
            environment: {
              ...deployment.commandVariables,
              ...hookEnvironment(deployment, 'post_release', target.server.previous),
            },
            timeoutMs: remainingMs,
          };
    const result = await runStep(deployment, target, 'health_check', step, signal);
    if (result.exitCode === 0 && !result.timedOut) return;
    if (performance.now() + HEALTH_CHECK_INTERVAL_MS > deadlineMs) {
      const suffix = result.lastLine === '' ? '' : `: ${result.lastLine.slice(0, 500)}`;
      throw new JobFailure(`${target.name}: the app was not healthy within ${timeoutSeconds} seconds${suffix}`);
    }
    await pause(HEALTH_CHECK_INTERVAL_MS, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

/** Performs the switch and everything after it. */
export async function activateRelease(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  signal: AbortSignal,
): Promise<void> {
  const { progress, log } = deployment;
  await runScript(deployment, target, 'release', 'activating the release', ACTIVATE_SCRIPT, signal);
  log.writeSystemLine('The release is active.', 'release', target.server.server_id);
  await progress.advance();
  await runHooks(deployment, target, 'post_release', signal);
  await untilHealthy(deployment, target, signal);
  await progress.advance();
  await progress.setServer(target.server, { status: 'completed' });
}

/**
 * Restores a server's state before the deployment: makes the previous release live again, then runs every hook that
 * restarts it, even if some fail. Throws one `JobFailure` at the end for everything that failed.
 */
export async function rollBackServer(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  signal: AbortSignal,
): Promise<void> {
  const { previous, server_id: serverId } = target.server;
  if (previous === null) return;
  const result = await runScript(
    deployment,
    target,
    'restore',
    'rolling back to the previous release',
    ROLLBACK_SCRIPT,
    signal,
    {
      environment: { DP_PREVIOUS: previous },
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

/** Runs all hooks that started the new release again for the previous one. Returns a description of what failed. */
async function restartPreviousRelease(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  previous: string,
  signal: AbortSignal,
): Promise<string[]> {
  const failures: string[] = [];
  for (const hook of hooksOfStage(deployment.plan, 'post_release')) {
    const step: Step = {
      command: shellCommand(hook.run, hook.interpreter),
      cwd: `${deployment.plan.directory}/current`,
      environment: { ...deployment.commandVariables, ...hookEnvironment(deployment, 'post_release', previous) },
      timeoutMs: Math.min(hook.timeoutSeconds * SECOND, RESTART_HOOK_TIMEOUT_MS),
    };
    try {
      const result = await runStep(deployment, target, hook.name, step, signal);
      if (result.exitCode !== 0 || result.timedOut)
        throw stepFailure(target, `the hook ${hook.name}, for the previous release,`, result);
    } catch (error) {
      if (!(error instanceof JobFailure)) throw error;
      failures.push(error.message);
    }
  }
  return failures;
}

/** Removes releases beyond the number to keep. Failures are logged and otherwise ignored. */
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
