import type { LogLine } from '../contract/log-line.ts';
import { Problem } from '../contract/problem.ts';
import { createShares } from '../contract/shares.ts';
import { SECOND } from '../contract/words.ts';
import { listDeploymentRows, serversOf } from '../store/deployments.ts';
import { findResource } from '../store/resources.ts';
import type { AppTable } from '../store/schema.ts';
import { instant, type WorkspaceContext } from './context.ts';
import { variablesFor, variablesForCommands } from './environment.ts';
import { findRow } from './resources.ts';
import { createMask } from './runner/mask.ts';
import { run, type Target } from './runner/run.ts';
import { targetOf } from './servers.ts';

/** A command that is not followed but goes on by itself is ended after this. */
const READ_WITHIN = 10 * SECOND;
/** What is not followed is so much at most; characters. */
const WHOLE = 4 * 1_048_576;
/** Characters that a slow reader may be behind; what is more is passed over, and that is said. */
const BEHIND = 4 * 1_048_576;
/** Commands of one node that run for readers, over all workspaces. */
const AT_ONCE = 64;

/** Where an app runs and what its log command is given. */
export interface AppLog {
  readonly workspaceId: string;
  readonly command: string;
  readonly directory: string | null;
  readonly places: readonly { readonly serverId: string; readonly name: string; readonly target: Target }[];
  readonly variables: Readonly<Record<string, string>>;
}

/** The servers of what is live or, before the first deployment, the app's own. */
async function serverIdsOf(context: WorkspaceContext, app: AppTable): Promise<string[]> {
  const { read } = context.store;
  const { workspace_id: workspaceId, id: appId } = app;
  const [live] = await listDeploymentRows(read, workspaceId, { appId, live: true }, { limit: 1, after: null });
  if (live === undefined) return app.server_id === null ? [] : [app.server_id];
  return (await serversOf(read, workspaceId, [live.id])).map(({ server_id }) => server_id);
}

/** Finds out how an app's log is read. Throws `not_found`, and `conflict` for an app that has no log to read. */
export async function findAppLog(context: WorkspaceContext, workspaceId: string, idOrSlug: string): Promise<AppLog> {
  const { read } = context.store;
  const app = await findRow(read, 'app', workspaceId, idOrSlug);
  if (app.log_command === null) throw new Problem('conflict', 'The app has no logCommand. Set one to read its log.');
  const places: AppLog['places'][number][] = [];
  for (const serverId of await serverIdsOf(context, app)) {
    const server = await findResource(read, 'server', workspaceId, serverId);
    if (server !== undefined) places.push({ serverId, name: server.name, target: await targetOf(context, server) });
  }
  if (places.length === 0) throw new Problem('conflict', 'The app has no server. Set its serverId first.');
  const variables = await variablesFor(context, workspaceId, app.id);
  const { problem } = variablesForCommands(variables);
  if (problem !== null) throw new Problem('conflict', problem);
  return { workspaceId, command: app.log_command, directory: app.directory, places, variables };
}

/** Begins where the app is, as soon as there is such a place. */
const IN_PLACE = 'cd "$DP_DIR/current" 2>/dev/null || cd "$DP_DIR" 2>/dev/null || :\n';

const readers = createShares(AT_ONCE);

/**
 * What an app's own log command says, as NDJSON; it is masked like a deployment's log. With `follow` for
 * as long as the command and the reader stay; the command is told by `DEVPILOT_FOLLOW`. Throws
 * `unavailable` where too many are read already.
 */
export async function* readAppLog(
  { workspaceId, command, directory, places, variables }: AppLog,
  { from, follow, signal }: { readonly from: number; readonly follow: boolean; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  const leave = readers.take(workspaceId);
  if (leave === null) {
    throw new Problem('unavailable', 'Too many logs of the workspace are read already.', { retryAfter: 5 });
  }
  const waiting: string[] = [];
  let over = false;
  let size = 0;
  let passed = 0;
  let left = from;
  let wake: () => void = () => undefined;
  const put = (line: LogLine) => {
    if (left > 0) left -= 1;
    else if (size < BEHIND) {
      const text = `${JSON.stringify(line)}\n`;
      waiting.push(text);
      size += text.length;
    } else passed += 1;
    wake();
  };
  const say = (serverId: string | null, text: string) =>
    put({ at: instant(Date.now()), stream: 'system', step: 'log', serverId, text });
  signal.addEventListener('abort', () => wake(), { once: true });
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  const mask = createMask(Object.values(variables));
  const all = Promise.all(
    places.map(async ({ serverId, name, target }) => {
      const outcome = await run(
        target,
        {
          command: { interpreter: ['/bin/sh'], body: (directory === null ? '' : IN_PLACE) + command },
          environment: {
            ...variablesForCommands(variables).passed,
            DP_DIR: directory ?? '',
            DEVPILOT_FOLLOW: follow ? '1' : '',
          },
          ...(follow ? {} : { timeoutMs: READ_WITHIN }),
          limits: { line: 8192, whole: follow ? Number.POSITIVE_INFINITY : WHOLE },
          secrets: mask,
          onLine: ({ at, stream, text }) => put({ at: instant(at), stream, step: 'log', serverId, text }),
        },
        both,
      );
      if (outcome.problem !== null) say(serverId, `${name}: ${outcome.problem}`);
      else if (outcome.timedOut)
        say(serverId, 'The command goes on by itself and was ended; follow=true goes on with it.');
      else if (outcome.exitCode !== 0 && !outcome.cancelled)
        say(serverId, `The command ended with exit code ${outcome.exitCode}.`);
    }),
  ).finally(() => {
    over = true;
    wake();
  });
  try {
    for (;;) {
      if (passed > 0) {
        const text = `${passed} lines were passed over: they came faster than they were read.`;
        passed = 0;
        waiting.push(
          `${JSON.stringify({ at: instant(Date.now()), stream: 'system', step: 'log', serverId: null, text })}\n`,
        );
      }
      if (waiting.length > 0) {
        size = 0;
        yield waiting.splice(0).join('');
      } else if (over || signal.aborted) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (over || signal.aborted || waiting.length > 0) resolve();
        });
      }
    }
  } finally {
    ending.abort();
    await all;
    leave();
  }
}
