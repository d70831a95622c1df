import type { Deployment } from '../../contract/deployments.ts';
import type { LogLine } from '../../contract/logs.ts';

/** Maximum number of lines of the failed step that are shown. */
const MAX_LINES = 12;
/** The log's name for the step that rolls a server back. This step and all later ones ran because of the failure. */
const ROLLBACK_STEP = 'restore';

export interface FailedStep {
  /** The name of the hook or built-in step. */
  readonly name: string;
  /** The last lines of its output. */
  readonly lines: readonly LogLine[];
}

/** Matches the first log line of a retry, which `platform/deployments/retry.ts` writes. */
const ATTEMPT_LINE = /^Attempt \d+, requested by /;

/**
 * Returns the step that failed in the last attempt, with the end of its output: the failed hook or, if no hook failed,
 * the last step before the rollback. Returns null if the log has no lines of such a step.
 */
export function findFailedStep(
  { hooks, servers }: Pick<Deployment, 'hooks' | 'servers'>,
  lines: readonly LogLine[],
): FailedStep | null {
  const log = lines.slice(lines.findLastIndex(({ step, text }) => step === null && ATTEMPT_LINE.test(text)) + 1);
  const rollbackIndex = log.findIndex(({ step }) => step === ROLLBACK_STEP);
  const beforeRollback = rollbackIndex < 0 ? log : log.slice(0, rollbackIndex);
  const failedHook = hooks.find(({ status }) => status === 'failed')?.name;
  const failedServers = new Set(servers.flatMap(({ serverId, status }) => (status === 'failed' ? [serverId] : [])));
  const lastLine = beforeRollback.findLast(
    ({ step, serverId }) =>
      step !== null &&
      (failedHook === undefined || step === failedHook) &&
      (failedServers.size === 0 || serverId === null || failedServers.has(serverId)),
  );
  if (lastLine === undefined || lastLine.step === null) return null;
  const linesOfStep = beforeRollback.filter(
    ({ step, serverId }) => step === lastLine.step && serverId === lastLine.serverId,
  );
  return { name: lastLine.step, lines: linesOfStep.slice(-MAX_LINES) };
}
