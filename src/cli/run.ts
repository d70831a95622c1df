import { randomUUID } from 'node:crypto';
import type { Run } from '../contract/scripts.ts';
import type { WorkStatus } from '../contract/words.ts';
import type { Client } from '../sdk/client.ts';
import { type Common, connect } from './connect.ts';
import { Failure } from './failure.ts';
import { readCount, readInput } from './input.ts';
import { type Column, note, printJson, printList, printOne, showInstant, taken } from './output.ts';
import { endAs, type WatchOptions, watch } from './watch.ts';

const nameOf = ({ name, id, kind }: Run['createdBy']) => name ?? id ?? kind;

const COLUMNS: readonly Column<Run>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'STATUS', of: ({ status }) => status },
  { title: 'EXIT', of: ({ exitCode }) => exitCode },
  { title: 'VERSION', of: ({ scriptVersion }) => scriptVersion },
  { title: 'BY', of: ({ createdBy, scheduledFor }) => (scheduledFor === null ? nameOf(createdBy) : 'schedule') },
  { title: 'CREATED', of: ({ createdAt }) => showInstant(createdAt, 'never') },
  { title: 'FINISHED', of: ({ finishedAt }) => showInstant(finishedAt, '') },
];

const FACTS: readonly Column<Run>[] = [
  { title: 'Id', of: ({ id }) => id },
  { title: 'Script', of: ({ scriptId, scriptVersion }) => `${scriptId}, version ${scriptVersion}` },
  { title: 'Status', of: ({ status }) => status },
  { title: 'Exit code', of: ({ exitCode }) => exitCode },
  { title: 'Error', of: ({ error }) => error },
  { title: 'Parameters', of: ({ parameters }) => Object.keys(parameters).join(', ') || null },
  { title: 'Created', of: ({ createdAt, createdBy }) => `${createdAt} by ${nameOf(createdBy)}` },
  { title: 'Started', of: ({ startedAt }) => startedAt },
  { title: 'Finished', of: ({ finishedAt }) => finishedAt },
];

/** Reads `NAME=VALUE`, and `NAME=-` for what is on standard input without its last newline. */
async function readParameters(given: readonly string[]): Promise<Record<string, string>> {
  const pairs: [string, string][] = [];
  let piped: string | null = null;
  for (const text of given) {
    const at = text.indexOf('=');
    if (at < 1) throw new Failure('--param takes NAME=VALUE, or NAME=- for standard input.');
    const [name, value] = [text.slice(0, at), text.slice(at + 1)];
    if (pairs.some(([one]) => one === name)) throw new Failure(`--param names ${name} twice.`);
    if (value !== '-') {
      pairs.push([name, value]);
      continue;
    }
    if (piped !== null) throw new Failure(`Standard input holds the value of ${piped} already.`);
    piped = name;
    pairs.push([name, (await readInput()).replace(/\r?\n$/, '')]);
  }
  return Object.fromEntries(pairs);
}

export interface RunOptions extends Common, WatchOptions {
  readonly param?: readonly string[];
}

async function see(client: Client, begun: Run, options: RunOptions): Promise<void> {
  const { id } = begun;
  const name = `Run ${id}`;
  if (options.follow !== true && options.wait !== true) {
    note(`${name} is begun. To follow it: devpilot logs ${id} --follow`, options);
    return printOne(begun, FACTS, options);
  }
  note(`${name} is begun.`, options);
  const over = await watch(
    {
      name,
      later: `devpilot logs ${id} --follow`,
      get: () => client.runs.get(id),
      logs: () => client.runs.logs(id, { follow: true }),
    },
    options,
  );
  if (options.json === true) await printJson(over);
  endAs(name, over, over.exitCode);
  note(`${name} is completed.`, options);
}

/** Runs a script; with `--follow` or `--wait` it ends with the script's exit code. */
export async function run(script: string, options: RunOptions): Promise<void> {
  const parameters = await readParameters(options.param ?? []);
  const client = connect(options);
  await see(client, await client.scripts.run(script, parameters, { idempotencyKey: randomUUID() }), options);
}

export interface RunListOptions extends Common {
  readonly status?: string;
  readonly limit: string;
}

/** Lists the runs of a script, newest first. */
export async function listRuns(script: string, options: RunListOptions): Promise<void> {
  const all = connect(options)
    .scripts.runs(script)
    .all({ status: options.status as WorkStatus | undefined });
  await printList(await taken(all, readCount('--limit', options.limit) ?? 50), COLUMNS, options);
}

export async function showRun(id: string, options: Common): Promise<void> {
  await printOne(await connect(options).runs.get(id), FACTS, options);
}

/** Ends a run with all its processes. */
export async function cancelRun(id: string, options: Common): Promise<void> {
  const cancelled = await connect(options).runs.cancel(id);
  if (options.json === true) await printJson(cancelled);
  else note(`Run ${cancelled.id} is told to end.`, options);
}
