import { Problem } from '../../contract/problem.ts';
import { findResource } from '../../store/resources.ts';
import type { AppTable } from '../../store/schema.ts';
import type { WorkspaceContext } from '../context.ts';
import { variablesFor, variablesForCommands } from '../environment.ts';
import { JobFailure } from '../jobs/jobs.ts';
import type { Connections } from '../runner/connection.ts';
import type { Outcome, OutputLine, Target } from '../runner/run.ts';
import { targetOf } from '../servers.ts';

/** Where an app is, and what its processes are given. */
export interface Site {
  readonly app: AppTable;
  readonly target: Target;
  readonly environment: Readonly<Record<string, string>>;
  /** Values of all its variables, to be masked in output. */
  readonly secrets: readonly string[];
}

/** Throws `JobFailure` with what is in the way. */
export async function appSite(
  context: WorkspaceContext,
  connections: Connections,
  workspaceId: string,
  appId: string,
): Promise<Site> {
  const { read } = context.store;
  const app = await findResource(read, 'app', workspaceId, appId);
  if (app === undefined) throw new JobFailure('The app is gone.');
  const server = app.server_id === null ? undefined : await findResource(read, 'server', workspaceId, app.server_id);
  if (server === undefined) throw new JobFailure('The app has no server any more.');
  try {
    const target = connections.through(await targetOf(context, server), context.connecting.goBack);
    const variables = await variablesFor(context, workspaceId, appId);
    const { passed, problem } = variablesForCommands(variables);
    if (problem !== null) throw new JobFailure(problem);
    return { app, target, environment: passed, secrets: Object.values(variables) };
  } catch (error) {
    throw error instanceof Problem ? new JobFailure(error.message) : error;
  }
}

const KEPT = 5;
const LONGEST = 300;

/** The last lines that a step said, masked by the runner. */
export interface LastWords {
  readonly onLine: (line: OutputLine) => void;
  /** Whether it said something, and nothing but what is harmless. */
  onlyHarmless(): boolean;
  text(): string;
}

export function createLastWords(harmless: RegExp | null = null): LastWords {
  const lines: string[] = [];
  let harmful = 0;
  return {
    onLine({ text }) {
      const line = text.trim().slice(0, LONGEST);
      if (line === '') return;
      if (harmless === null || !harmless.test(line)) harmful++;
      lines.push(line);
      if (lines.length > KEPT) lines.shift();
    },
    onlyHarmless: () => lines.length > 0 && harmful === 0,
    text: () => lines.join('\n'),
  };
}

/** What an outcome that is no success is told as; null for a success. */
export function outcomeFailure(outcome: Outcome, what: string, words: LastWords): JobFailure | null {
  if (outcome.problem !== null) return new JobFailure(outcome.problem);
  if (outcome.cancelled) return new JobFailure('It was called off.');
  if (outcome.exitCode === 0) return null;
  const how = outcome.signal === null ? `with ${outcome.exitCode}` : `by ${outcome.signal}`;
  const last = words.text();
  return new JobFailure(`${what} ended ${how}.${last === '' ? '' : ` It said:\n${last}`}`);
}
