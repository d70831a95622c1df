import { setTimeout as sleep } from 'node:timers/promises';
import { MINUTE } from '../../contract/limits.ts';
import { JobFailure } from '../../jobs/jobs.ts';
import type { Mask } from '../../runner/mask.ts';
import { type OutputLine, type RunTarget, run, type Step, type StepOutcome } from '../../runner/run.ts';
import { shellCommand } from '../../runner/shell-command.ts';
import type { ConnectionPool } from '../../runner/ssh-connection.ts';
import type { DeploymentServerTable, DeploymentTable } from '../../store/schema/deployments.ts';
import type { LogWriter } from '../logs/log-writer.ts';
import type { RepositoryCredentials } from '../resources/repository-credentials.ts';
import type { DeploymentPlan } from './plan.ts';
import type { DeploymentProgress } from './progress.ts';

const STEP_TIMEOUT_MS = 5 * MINUTE;

/** Waits for `durationMs`. Throws the signal's reason if the signal is aborted earlier. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal }).catch(() => {
    throw signal.reason;
  });
}

/** A running deployment: the data that is the same for all of its servers. */
export interface DeploymentRun {
  readonly row: DeploymentTable;
  readonly plan: DeploymentPlan;
  /** Credentials of the repository, used only to fetch the source. */
  readonly credentials: RepositoryCredentials | null;
  /** Variables of the app. */
  readonly variables: ReadonlyMap<string, string>;
  /** The variables of the app that are passed to its commands. */
  readonly commandVariables: Readonly<Record<string, string>>;
  readonly mask: Mask;
  readonly log: LogWriter;
  readonly progress: DeploymentProgress;
  readonly connections: ConnectionPool;
}

/** A server of a deployment. */
export interface DeploymentTarget {
  readonly server: DeploymentServerTable;
  readonly name: string;
  readonly runTarget: RunTarget;
}

/** Git messages that are less specific than the line before them. */
const GENERIC_GIT_ERROR = /^fatal: (?:Could not read from remote repository|[Tt]he remote end hung up|early EOF)/;

/** The outcome of a step, with parts of its output. */
export interface StepResult extends StepOutcome {
  readonly lastLine: string;
  /** The cause of a failure according to git; null if git printed none. */
  readonly cause: string | null;
  /** Values that the step printed, by name. */
  readonly outputs: ReadonlyMap<string, string>;
}

/**
 * Runs one step and logs its output. A line of standard output whose first word is one of `outputNames` is not logged;
 * the rest of the line is returned in `outputs`. Throws `JobFailure` if the step could not be run, and the signal's
 * reason if the signal is aborted.
 */
export async function runStep(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  name: string,
  step: Step,
  signal: AbortSignal,
  outputNames: readonly string[] = [],
): Promise<StepResult> {
  let lastLine = '';
  let cause: string | null = null;
  const outputs = new Map<string, string>();
  const outcome = await run(
    target.runTarget,
    {
      ...step,
      mask: deployment.mask,
      // Not for a step with outputs, because an unfinished line may be an output.
      ...(outputNames.length === 0 && {
        onUnfinishedLine: (line: OutputLine) => deployment.log.showUnfinished(line, name, target.server.server_id),
      }),
      onLine(line) {
        const [firstWord = '', ...words] = line.text.split(' ');
        if (line.stream === 'stdout' && outputNames.includes(firstWord)) {
          outputs.set(firstWord, words.join(' '));
          return;
        }
        const text = line.text.trim();
        if (text.startsWith('fatal: ')) {
          const isGeneric = GENERIC_GIT_ERROR.test(text) && lastLine !== '';
          cause ??= isGeneric ? lastLine : text;
        }
        if (text !== '') lastLine = text;
        deployment.log.write(line, name, target.server.server_id);
      },
    },
    signal,
  );
  if (outcome.cancelled) throw signal.reason as Error;
  if (outcome.problem !== null) throw new JobFailure(`${target.name}: ${outcome.problem}`);
  return { ...outcome, lastLine, cause, outputs };
}

/** Returns the failure of a step, with `cause` or, if that is null, the last line of the step's output. */
export function stepFailure(
  target: DeploymentTarget,
  description: string,
  result: StepResult,
  cause: string | null = null,
): JobFailure {
  const causeOrLastLine = cause ?? result.lastLine;
  const suffix = causeOrLastLine === '' ? '' : `: ${causeOrLastLine.slice(0, 500)}`;
  return new JobFailure(`${target.name}: ${description} ${describeEnding(result)}${suffix}`);
}

function describeEnding({ timedOut, signal, exitCode }: StepResult): string {
  if (timedOut) return 'timed out';
  return signal === null ? `ended with exit code ${exitCode}` : `was killed by ${signal}`;
}

/**
 * Runs one of Devpilot's own scripts. Throws `JobFailure` unless the script exits with 0; `description` is the subject
 * of the failure's message, for example `activating the release`.
 */
export async function runScript(
  deployment: DeploymentRun,
  target: DeploymentTarget,
  name: string,
  description: string,
  body: string,
  signal: AbortSignal,
  overrides: Partial<Step> & { readonly outputNames?: readonly string[] } = {},
): Promise<StepResult> {
  const { outputNames, environment, ...otherOverrides } = overrides;
  const { row, plan } = deployment;
  const step: Step = {
    command: shellCommand(body),
    environment: { DP_DIR: plan.directory, DP_ID: row.id, ...environment },
    timeoutMs: STEP_TIMEOUT_MS,
    ...otherOverrides,
  };
  const result = await runStep(deployment, target, name, step, signal, outputNames);
  if (result.exitCode !== 0) throw stepFailure(target, description, result, result.cause);
  return result;
}
