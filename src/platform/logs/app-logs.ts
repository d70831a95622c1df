import type { DevpilotEnvironment } from '../../contract/control-variables.ts';
import { createFairShareLimiter } from '../../contract/fair-share-limiter.ts';
import { toIsoString } from '../../contract/instant.ts';
import { SECOND } from '../../contract/limits.ts';
import type { LogLine } from '../../contract/logs.ts';
import { Problem } from '../../contract/problem.ts';
import { createMask } from '../../runner/mask.ts';
import { type OutputLine, type RunTarget, run, type StepOutcome } from '../../runner/run.ts';
import { shellCommand } from '../../runner/shell-command.ts';
import { listDeploymentRows, listDeploymentServers } from '../../store/deployments.ts';
import { findResource } from '../../store/resources.ts';
import type { AppTable } from '../../store/schema/resources.ts';
import { createYielder } from '../bounded-json.ts';
import type { PlatformContext } from '../context.ts';
import { selectCommandVariables } from '../environment/command-variables.ts';
import { loadVariables } from '../environment/effective-variables.ts';
import { requireResource } from '../resources/resources.ts';
import { resolveRunTarget } from '../resources/run-target.ts';
import { toNdjsonLine } from './log-chunks.ts';
import type { LogReadOptions } from './logs.ts';

/** Timeout of a log command without `follow`. */
const READ_TIMEOUT_MS = 10 * SECOND;
/** Maximum output per server without `follow`. */
const MAX_OUTPUT_CHARACTERS = 4 * 1_048_576;
/**
 * Maximum backlog of a slow reader. Further output is skipped, and replaced by a line with the number of skipped lines.
 */
const MAX_BACKLOG_CHARACTERS = 4 * 1_048_576;
/** Maximum number of readers on one node, for all workspaces together. */
const MAX_CONCURRENT_READERS = 64;

/** The log command of an app, and where to run it. */
export interface AppLog {
  readonly workspaceId: string;
  readonly command: string;
  readonly directory: string | null;
  readonly servers: readonly { readonly serverId: string; readonly name: string; readonly target: RunTarget }[];
  readonly variables: Readonly<Record<string, string>>;
}

/** Returns the IDs of the servers of the live deployment or, before the first deployment, of the app's server. */
async function serverIdsOf(context: PlatformContext, app: AppTable): Promise<string[]> {
  const { read } = context.store;
  const { workspace_id: workspaceId, id: appId } = app;
  const [live] = await listDeploymentRows(read, workspaceId, { appId, live: true }, { limit: 1, after: null });
  if (live === undefined) return app.server_id === null ? [] : [app.server_id];
  return (await listDeploymentServers(read, workspaceId, [live.id])).map(({ server_id }) => server_id);
}

/**
 * Returns the log command of an app, and where to run it. Throws `not_found`, and `conflict` if the app has no log
 * command or server, its variables are too large, or the command cannot run on a server.
 */
export async function getAppLog(context: PlatformContext, workspaceId: string, idOrSlug: string): Promise<AppLog> {
  const { read } = context.store;
  const app = await requireResource(read, 'app', workspaceId, idOrSlug);
  if (app.log_command === null) throw new Problem('conflict', 'The app has no logCommand. Set one to read its log.');
  const servers: AppLog['servers'][number][] = [];
  for (const serverId of await serverIdsOf(context, app)) {
    const server = await findResource(read, 'server', workspaceId, serverId);
    if (server !== undefined)
      servers.push({ serverId, name: server.name, target: await resolveRunTarget(context, server) });
  }
  if (servers.length === 0) throw new Problem('conflict', 'The app has no server. Set its serverId first.');
  const variables = await loadVariables(context, workspaceId, app.id);
  const { problem } = selectCommandVariables(variables);
  if (problem !== null) throw new Problem('conflict', problem);
  return { workspaceId, command: app.log_command, directory: app.directory, servers, variables };
}

const readerLimiter = createFairShareLimiter(MAX_CONCURRENT_READERS);

/** The output that a reader has not received yet, as NDJSON, without the first `from` lines. */
function createBacklog(from: number) {
  const pending: string[] = [];
  let hasEnded = false;
  let pendingCharacters = 0;
  let skippedLines = 0;
  let linesBeforeStart = from;
  let wake: () => void = () => undefined;

  function push(line: LogLine): void {
    if (linesBeforeStart > 0) linesBeforeStart -= 1;
    else if (pendingCharacters < MAX_BACKLOG_CHARACTERS) {
      const text = toNdjsonLine(line);
      pending.push(text);
      pendingCharacters += text.length;
    } else skippedLines += 1;
    wake();
  }

  return {
    push,
    /** Drops an unfinished line if the reader is behind, because a newer version of the line follows. */
    pushUnfinished(line: LogLine): void {
      if (linesBeforeStart > 0 || pendingCharacters > 0) return;
      pending.push(toNdjsonLine({ ...line, partial: true }));
      wake();
    },
    /** Called when there will be no more output. */
    end(): void {
      hasEnded = true;
      wake();
    },
    /** Yields the output until it has ended or the signal is aborted. */
    async *read(signal: AbortSignal): AsyncGenerator<string> {
      signal.addEventListener('abort', () => wake(), { once: true });
      for (;;) {
        if (skippedLines > 0) {
          const text = `${skippedLines} lines were skipped, because output arrived faster than it was read.`;
          skippedLines = 0;
          pending.push(toNdjsonLine(systemLine(null, text)));
        }
        if (pending.length > 0) {
          pendingCharacters = 0;
          yield pending.splice(0).join('');
        } else if (hasEnded || signal.aborted) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
            if (hasEnded || signal.aborted || pending.length > 0) resolve();
          });
        }
      }
    },
  };
}

const systemLine = (serverId: string | null, text: string): LogLine => ({
  at: toIsoString(Date.now()),
  stream: 'system',
  step: 'log',
  serverId,
  text,
});

/**
 * Yields the output of an app's log command as NDJSON, masked like a deployment's log. With `follow`, sets
 * `DEVPILOT_FOLLOW` for the command, and runs until the command exits or the reader disconnects. Throws `unavailable`
 * if too many logs are being read.
 */
export async function* readAppLog(
  { workspaceId, command, directory, servers, variables }: AppLog,
  { from, follow, includeUnfinished = false, signal }: LogReadOptions,
): AsyncGenerator<string> {
  const mask = await createMask(Object.values(variables), createYielder());
  const release = readerLimiter.acquire(workspaceId);
  if (release === null) {
    throw new Problem('unavailable', 'Too many clients of this workspace are reading app logs.', { retryAfter: 5 });
  }
  const backlog = createBacklog(from);
  const stopController = new AbortController();
  const combinedSignal = AbortSignal.any([signal, stopController.signal]);
  const devpilotEnvironment: DevpilotEnvironment = { DP_DIR: directory ?? '', DEVPILOT_FOLLOW: follow ? '1' : '' };
  const commands = Promise.all(
    servers.map(async ({ serverId, name, target }) => {
      const toLogLine = ({ at, stream, text }: OutputLine): LogLine => {
        return { at: toIsoString(at), stream, step: 'log', serverId, text };
      };
      const outcome = await run(
        target,
        {
          command: shellCommand(command),
          cwd: directory === null ? null : [`${directory}/current`, directory],
          environment: { ...selectCommandVariables(variables).passed, ...devpilotEnvironment },
          ...(follow ? {} : { timeoutMs: READ_TIMEOUT_MS }),
          limits: {
            maxLineCharacters: 8192,
            maxTotalCharacters: follow ? Number.POSITIVE_INFINITY : MAX_OUTPUT_CHARACTERS,
          },
          mask,
          ...(includeUnfinished && follow && { onUnfinishedLine: (line) => backlog.pushUnfinished(toLogLine(line)) }),
          onLine: (line) => backlog.push(toLogLine(line)),
        },
        combinedSignal,
      );
      const message = describeOutcome(name, outcome);
      if (message !== null) backlog.push(systemLine(serverId, message));
    }),
  ).finally(() => backlog.end());
  try {
    yield* backlog.read(signal);
  } finally {
    stopController.abort();
    await commands;
    release();
  }
}

/** Returns a message about a log command that failed; null if it exited with 0 or was cancelled. */
function describeOutcome(serverName: string, outcome: StepOutcome): string | null {
  if (outcome.problem !== null) return `${serverName}: ${outcome.problem}`;
  if (outcome.timedOut)
    return `The command was ended because it did not exit within ${READ_TIMEOUT_MS / SECOND} seconds. With follow=true, it has no time limit.`;
  if (outcome.exitCode === 0 || outcome.cancelled) return null;
  return `The command ended with exit code ${outcome.exitCode}.`;
}
