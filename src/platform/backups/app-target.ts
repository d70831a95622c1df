import { Problem } from '../../contract/problem.ts';
import { JobFailure } from '../../jobs/jobs.ts';
import { createMask, type Mask } from '../../runner/mask.ts';
import type { OutputLine, RunTarget, StepOutcome } from '../../runner/run.ts';
import type { ConnectionPool } from '../../runner/ssh-connection.ts';
import { findResource } from '../../store/resources.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import { createYielder } from '../bounded-json.ts';
import type { PlatformContext } from '../context.ts';
import { selectCommandVariables } from '../environment/command-variables.ts';
import { loadVariables } from '../environment/effective-variables.ts';
import { resolveRunTarget } from '../resources/run-target.ts';

/** The server of an app, and the variables that the app's commands receive. */
export interface AppTarget {
  readonly app: AppTable;
  readonly runTarget: RunTarget;
  readonly environment: Readonly<Record<string, string>>;
  /** Hides the values of all variables of the app in output. */
  readonly mask: Mask;
}

/**
 * Resolves an app on its own server, or on `serverId`. Throws `JobFailure` with the reason if it cannot be backed up or
 * restored there.
 */
export async function resolveAppTarget(
  context: PlatformContext,
  connections: ConnectionPool,
  workspaceId: string,
  appId: string,
  serverId: string | null = null,
): Promise<AppTarget> {
  const { read } = context.store;
  const app = await findResource(read, 'app', workspaceId, appId);
  if (app === undefined) throw new JobFailure('The app was deleted.');
  const effectiveServerId = serverId ?? app.server_id;
  const server =
    effectiveServerId === null ? undefined : await findResource(read, 'server', workspaceId, effectiveServerId);
  if (server === undefined)
    throw new JobFailure(serverId === null ? 'The app no longer has a server.' : 'The server was deleted.');
  try {
    const target = connections.pooled(await resolveRunTarget(context, server), context.connectRetryDelays.long);
    const variables = await loadVariables(context, workspaceId, appId);
    const { passed, problem } = selectCommandVariables(variables);
    if (problem !== null) throw new JobFailure(problem);
    const mask = await createMask(Object.values(variables), createYielder());
    return { app, runTarget: target, environment: passed, mask };
  } catch (error) {
    throw error instanceof Problem ? new JobFailure(error.message) : error;
  }
}

const MAX_LINES = 5;
const MAX_LINE_CHARACTERS = 300;

/** Collects the last lines of a step's output, which the runner has masked. */
export interface LastLines {
  readonly onLine: (line: OutputLine) => void;
  /** Whether there is output, and every line of the output is a harmless warning. */
  hasOnlyWarnings(): boolean;
  text(): string;
}

/** `warnings` matches lines that are harmless warnings. */
export function createLastLines(warnings: RegExp | null = null): LastLines {
  const lines: string[] = [];
  let errorCount = 0;
  return {
    onLine({ text }) {
      const line = text.trim().slice(0, MAX_LINE_CHARACTERS);
      if (line === '') return;
      if (warnings === null || !warnings.test(line)) errorCount++;
      lines.push(line);
      if (lines.length > MAX_LINES) lines.shift();
    },
    hasOnlyWarnings: () => lines.length > 0 && errorCount === 0,
    text: () => lines.join('\n'),
  };
}

/** Returns the failure of a step; null if it succeeded. */
export function outcomeFailure(outcome: StepOutcome, description: string, lastLines: LastLines): JobFailure | null {
  if (outcome.problem !== null) return new JobFailure(outcome.problem);
  if (outcome.cancelled) return new JobFailure(`${description} was cancelled.`);
  if (outcome.exitCode === 0) return null;
  const ending =
    outcome.signal === null ? `ended with exit code ${outcome.exitCode}` : `was killed by ${outcome.signal}`;
  const text = lastLines.text();
  return new JobFailure(`${description} ${ending}.${text === '' ? '' : ` Output:\n${text}`}`);
}
