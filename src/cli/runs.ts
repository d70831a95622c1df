import { randomUUID } from 'node:crypto';
import type { WorkStatus } from '../contract/platform-vocabulary.ts';
import type { Run } from '../contract/scripts.ts';
import type { Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { Failure } from './failure.ts';
import { parseCount, readStdin } from './input.ts';
import { requireCompleted, type WatchOptions, waitForOperation } from './operation.ts';
import {
  type Column,
  formatInstant,
  partyName,
  printDetails,
  printJson,
  printList,
  printNote,
  takeFirst,
} from './output.ts';

const creatorOf = ({ createdBy, scheduledFor }: Pick<Run, 'createdBy' | 'scheduledFor'>): string =>
  scheduledFor === null ? partyName(createdBy) : 'schedule';

const COLUMNS: readonly Column<Run>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'STATUS', getValue: ({ status }) => status },
  { title: 'EXIT CODE', getValue: ({ exitCode }) => exitCode },
  { title: 'VERSION', getValue: ({ scriptVersion }) => scriptVersion },
  { title: 'BY', getValue: creatorOf },
  { title: 'CREATED', getValue: ({ createdAt }) => formatInstant(createdAt, 'never') },
  { title: 'FINISHED', getValue: ({ finishedAt }) => formatInstant(finishedAt, '') },
];

const RUN_DETAILS: readonly Column<Run>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'Script', getValue: ({ scriptId, scriptVersion }) => `${scriptId}, version ${scriptVersion}` },
  { title: 'Status', getValue: ({ status }) => status },
  { title: 'Exit code', getValue: ({ exitCode }) => exitCode },
  { title: 'Error', getValue: ({ error }) => error },
  { title: 'Parameters', getValue: ({ parameters }) => Object.keys(parameters).join(', ') || null },
  {
    title: 'Created',
    getValue: ({ createdAt, createdBy, scheduledFor }) => `${createdAt} by ${creatorOf({ createdBy, scheduledFor })}`,
  },
  { title: 'Scheduled for', getValue: ({ scheduledFor }) => scheduledFor },
  { title: 'Started', getValue: ({ startedAt }) => startedAt },
  { title: 'Finished', getValue: ({ finishedAt }) => finishedAt },
];

/** Parses `NAME=VALUE`; `NAME=-` reads the value from standard input without its last newline. */
async function parseParameters(texts: readonly string[]): Promise<Record<string, string>> {
  const pairs: [string, string][] = [];
  let pipedName: string | null = null;
  for (const text of texts) {
    const separator = text.indexOf('=');
    if (separator < 1) throw new Failure('--param must be NAME=VALUE, or NAME=- for standard input.');
    const name = text.slice(0, separator);
    const value = text.slice(separator + 1);
    if (pairs.some(([earlierName]) => earlierName === name)) throw new Failure(`--param sets ${name} twice.`);
    if (value !== '-') {
      pairs.push([name, value]);
      continue;
    }
    if (pipedName !== null) throw new Failure(`Standard input is already used for the value of ${pipedName}.`);
    pipedName = name;
    pairs.push([name, (await readStdin()).replace(/\r?\n$/, '')]);
  }
  return Object.fromEntries(pairs);
}

export interface RunOptions extends RemoteOptions, WatchOptions {
  readonly param: readonly string[] | undefined;
}

async function reportRun(client: Client, created: Run, options: RunOptions): Promise<void> {
  const { id } = created;
  const name = `Run ${id}`;
  if (options.follow !== true && options.wait !== true) {
    printNote(`${name} created. Follow it with: devpilot logs ${id} --follow`, options);
    return printDetails(created, RUN_DETAILS, options);
  }
  printNote(`${name} created.`, options);
  const finished = await waitForOperation(
    {
      name,
      followUpCommand: `devpilot logs ${id} --follow`,
      get: () => client.runs.get(id),
      logs: () => client.runs.logs(id, { follow: true, partial: true }),
    },
    options,
  );
  if (options.json === true) await printJson(finished);
  requireCompleted(name, finished, finished.exitCode);
  printNote(`${name} completed.`, options);
}

/** Runs a script. With `--follow` or `--wait`, the command exits with the exit code of the script. */
export async function runScript(script: string, options: RunOptions): Promise<void> {
  const parameters = await parseParameters(options.param ?? []);
  const client = connect(options);
  await reportRun(client, await client.scripts.run(script, parameters, { idempotencyKey: randomUUID() }), options);
}

export interface RunListOptions extends RemoteOptions {
  readonly status: string | undefined;
  readonly limit: string;
}

/** Lists the runs of a script, newest first. */
export async function listRuns(script: string, options: RunListOptions): Promise<void> {
  const runs = connect(options)
    .scripts.runs(script)
    .all({ status: options.status as WorkStatus | undefined });
  await printList(await takeFirst(runs, parseCount('--limit', options.limit)), COLUMNS, options);
}

export async function showRun(id: string, options: RemoteOptions): Promise<void> {
  await printDetails(await connect(options).runs.get(id), RUN_DETAILS, options);
}

/** Cancels a run and ends all its processes. */
export async function cancelRun(id: string, options: RemoteOptions): Promise<void> {
  const cancelled = await connect(options).runs.cancel(id);
  if (options.json === true) await printJson(cancelled);
  else printNote(`Run ${cancelled.id} ${cancelled.status === 'cancelled' ? 'was' : 'is being'} cancelled.`, options);
}
