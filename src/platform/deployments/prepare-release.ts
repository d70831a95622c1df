import { writeShellDotenv } from '../../contract/dotenv.ts';
import { MINUTE } from '../../contract/limits.ts';
import { gitEnvironment } from './git-environment.ts';
import { runHook } from './hooks.ts';
import { type PreparationStep, preparationSteps, stepsUntilCheckout } from './plan.ts';
import { type DeploymentRun, type DeploymentTarget, runScript } from './run-step.ts';
import { CHECKOUT_SCRIPT, PREPARE_SCRIPT, SETUP_SCRIPT } from './shell-scripts.ts';

/** Long enough for the first fetch of a large repository. */
const FETCH_TIMEOUT_MS = 30 * MINUTE;

/** The commit to check out. */
export interface CommitSelection {
  /** A full or abbreviated hash; null if this server determines the commit from the branch or tag. */
  readonly commit: string | null;
  /** Whether this deployment has already verified that a branch or tag contains the commit. */
  readonly isVerified: boolean;
}

/** Shares the commit that the first server resolves with the other servers. */
export interface CommitExchange {
  readonly select: () => Promise<CommitSelection>;
  readonly onFound: (commit: string, tag: string | null) => Promise<void>;
}

/**
 * Creates the app's directory on a server, and records which release is live there. `isCheckedOut` means that an
 * earlier attempt has checked out the release of this deployment. Throws `JobFailure`.
 */
async function prepareDirectory(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  isCheckedOut: boolean,
  signal: AbortSignal,
): Promise<DeploymentTarget> {
  const { row, progress } = deployment;
  const prepared = await runScript(deployment, target, 'prepare', 'preparing the directory', PREPARE_SCRIPT, signal, {
    environment: { DP_RESUME: isCheckedOut ? '1' : '' },
    outputNames: ['previous'],
  });
  const live = prepared.outputs.get('previous') ?? '';
  // If the rollback of an earlier attempt failed, the release of this deployment is still live.
  const previous = live === `releases/${row.id}` ? (target.server.previous ?? live) : live;
  await progress.setServer(target.server, { previous, status: 'processing' });
  return { ...target, server: { ...target.server, previous } };
}

async function checkOut(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  commits: CommitExchange,
  signal: AbortSignal,
): Promise<void> {
  const { plan, row, log, credentials } = deployment;
  const selection = await commits.select();
  const { outputs } = await runScript(
    deployment,
    target,
    'source_control',
    'fetching the source',
    CHECKOUT_SCRIPT,
    signal,
    {
      environment: {
        ...gitEnvironment(credentials),
        DP_REPOSITORY: plan.repository,
        DP_BRANCH: row.branch ?? '',
        DP_TAG: row.tag ?? '',
        DP_COMMIT: selection.commit ?? '',
        DP_KNOWN: selection.isVerified ? '1' : '',
        DP_ROLLBACK: row.kind === 'rollback' ? '1' : '',
      },
      timeoutMs: FETCH_TIMEOUT_MS,
      outputNames: ['commit', 'tag'],
    },
  );
  const [id = '', ...subject] = (outputs.get('commit') ?? '').split(' ');
  log.writeSystemLine(`Commit ${id} ${subject.join(' ')}`.trim(), 'source_control', target.server.server_id);
  await commits.onFound(id, outputs.get('tag') ?? null);
}

/**
 * Links shared files and writes the variables. Returns whether the release already contained the same variables, so
 * that a retry can skip the later steps that an earlier attempt has completed.
 */
async function setUp(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  { isRepeated }: { readonly isRepeated: boolean },
  signal: AbortSignal,
): Promise<boolean> {
  const { size } = deployment.variables;
  const { outputs } = await runScript(deployment, target, 'setup', 'setting up the release', SETUP_SCRIPT, signal, {
    environment: { DP_VARIABLES: size === 0 ? '' : String(size), DP_RESUME: isRepeated ? '1' : '' },
    stdin: writeShellDotenv(deployment.variables),
    outputNames: ['unchanged'],
  });
  return outputs.has('unchanged');
}

/**
 * Performs all steps before the activation. A retry skips the steps that the server has already completed. If the
 * variables have changed, it repeats the steps after the setup.
 */
export async function prepareRelease(
  deployment: DeploymentRun,
  initialTarget: DeploymentTarget,
  commits: CommitExchange,
  signal: AbortSignal,
): Promise<DeploymentTarget> {
  const { plan, progress, log } = deployment;
  const steps = preparationSteps(plan);
  let completed = initialTarget.server.completed_steps;
  const target = await prepareDirectory(deployment, initialTarget, completed >= stepsUntilCheckout(plan), signal);
  await progress.advance();
  if (completed > 0)
    log.writeSystemLine(`Steps completed by an earlier attempt: ${completed}.`, 'prepare', target.server.server_id);

  /**
   * Skips a completed step, except the setup, which writes the current variables. If the variables have
   * changed, the later steps are no longer considered completed.
   */
  async function skipOrRepeat(step: PreparationStep, index: number): Promise<void> {
    if (step.kind === 'hook') return progress.hookCompletedEarlier(step.hook.name);
    if (step.kind === 'source_control') await commits.onFound(progress.row().commit_id ?? '', null);
    else if (!(await setUp(deployment, target, { isRepeated: true }, signal))) completed = index + 1;
    await progress.advance();
  }
  async function perform(step: PreparationStep): Promise<void> {
    if (step.kind === 'hook') return runHook(deployment, target, step.hook, signal);
    if (step.kind === 'source_control') await checkOut(deployment, target, commits, signal);
    else await setUp(deployment, target, { isRepeated: false }, signal);
    await progress.advance();
  }
  for (const [index, step] of steps.entries()) {
    if (index < completed) await skipOrRepeat(step, index);
    else {
      await perform(step);
      await progress.setServer(target.server, { completed_steps: index + 1 });
    }
  }
  return target;
}
