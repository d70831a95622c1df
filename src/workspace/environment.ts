import { isControlVariable } from '../contract/control-variables.ts';
import type { Environment, EnvQuery, EnvVariable, EnvVersion } from '../contract/environment.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { Page } from '../contract/schemas.ts';
import { type AuditNoun, RESOURCE_LIMITS } from '../contract/words.ts';
import {
  type EnvRow,
  findVersion,
  forgetVersions,
  insertVersion,
  listVersions,
  lockEnvironment,
  newestVersion,
  readEnvironment,
} from '../store/environment.ts';
import { cutPage, pageAsk } from '../store/paging.ts';
import type { AppTable, EnvVersionTable } from '../store/schema.ts';
import type { Trx } from '../store/store.ts';
import { createPauses } from './bounded-json.ts';
import { type Asker, checkTag, instant, record, type WorkspaceContext } from './context.ts';
import { findRow } from './resources.ts';

/** What a value is sealed for: this variable of this app in this version, and no other row. */
export function variableIdentity(row: {
  readonly workspace_id: string;
  readonly app_id: string;
  readonly name: string;
  readonly version: number;
}): string {
  return `env ${row.workspace_id} ${row.app_id} ${row.name} ${row.version}`;
}

/** What the entity tag of an environment is made of. */
export const envState = (appId: string, version: number) => ({ appId, version });

/** Opens values in turns of the event loop, so that a large environment holds up no judgement. */
async function openAll(context: WorkspaceContext, rows: readonly EnvRow[]): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  const pause = createPauses();
  for (const row of rows) {
    values.set(row.name, context.seal.open(row.value_sealed, variableIdentity(row)));
    await pause();
  }
  return values;
}

/** Seals what is set, in turns of the event loop likewise. */
async function sealAll<Row extends Parameters<typeof variableIdentity>[0]>(
  context: WorkspaceContext,
  changes: readonly (readonly [Row, string | null])[],
): Promise<(Row & { value_sealed: string | null })[]> {
  const rows: (Row & { value_sealed: string | null })[] = [];
  const pause = createPauses();
  for (const [row, value] of changes) {
    rows.push({ ...row, value_sealed: value === null ? null : context.seal.seal(value, variableIdentity(row)) });
    await pause();
  }
  return rows;
}

function show(rows: readonly EnvRow[], values: ReadonlyMap<string, string>): EnvVariable[] {
  return rows.map(({ name, at }) => ({ name, value: values.get(name) ?? null, updatedAt: instant(at) }));
}

/** An environment as it was read, and the version that it is of. */
export interface ReadEnvironment extends Environment {
  readonly appId: string;
  readonly version: number;
}

/**
 * Reads an app's variables by name. A person who is shown values leaves an entry in the log, with the
 * names. Throws `not_found` for an app or a variable asked for that is not there.
 */
export async function readVariables(
  context: WorkspaceContext,
  asker: Asker,
  app: string,
  query: EnvQuery,
): Promise<ReadEnvironment> {
  const { workspaceId } = asker;
  const { read } = context.store;
  const row = await findRow(read, 'app', workspaceId, app);
  const version = await newestVersion(read, workspaceId, row.id);
  const all = await readEnvironment(read, workspaceId, row.id, version);
  const rows = query.name === undefined ? all : all.filter(({ name }) => name === query.name);
  if (query.name !== undefined && rows.length === 0) throw new Problem('not_found', 'There is no such variable.');
  const shown = query.values !== 'hidden' || query.format === 'dotenv';
  const values = shown ? await openAll(context, rows) : new Map<string, string>();
  if (shown && rows.length > 0 && asker.actor.kind === 'person') {
    await context.store.transaction((trx) =>
      record(trx, asker, 'env.revealed', targetOf(row), context.clock(), { names: rows.map(({ name }) => name) }),
    );
  }
  return { appId: row.id, version, data: show(rows, values) };
}

/** What a process of the app is given: its variables, opened. Nobody is shown them, so nothing is recorded. */
export async function variablesFor(
  context: WorkspaceContext,
  workspaceId: string,
  appId: string,
): Promise<Record<string, string>> {
  const { read } = context.store;
  const version = await newestVersion(read, workspaceId, appId);
  return Object.fromEntries(await openAll(context, await readEnvironment(read, workspaceId, appId, version)));
}

/** Bytes of variables that a process can be given: Linux limits them to 2 MiB, with what the server itself gives. */
const MAX_COMMAND_BYTES = 2 * 1_048_576 - 131_072;

/** What commands of an app are given of its variables. */
export interface CommandVariables {
  readonly passed: Readonly<Record<string, string>>;
  /** Names that programs take orders from: these stay in `.env`. */
  readonly withheld: readonly string[];
  /** Why no command can be started with them; null where it can. */
  readonly problem: string | null;
}

/** Pure. */
export function variablesForCommands(variables: Readonly<Record<string, string>>): CommandVariables {
  const names = Object.keys(variables);
  const passed = Object.fromEntries(Object.entries(variables).filter(([name]) => !isControlVariable(name)));
  const bytes = Object.entries(passed).reduce(
    (sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 10,
    0,
  );
  const size = (count: number) => `${(count / 1_048_576).toFixed(1)} MiB`;
  return {
    passed,
    withheld: names.filter(isControlVariable),
    problem:
      bytes <= MAX_COMMAND_BYTES
        ? null
        : `The app's variables take ${size(bytes)} together. Linux starts no command with more than ${size(MAX_COMMAND_BYTES)}: store large values as files.`,
  };
}

const targetOf = (row: AppTable) => ({ kind: 'app', id: row.id, name: row.name }) as const;

/** Throws `validation_failed` where values are set and an app would have more than it may have together. */
function checkTotal(
  rows: readonly { readonly name: string; readonly value_sealed: string | null }[],
  changes: readonly (readonly [string, string | null])[],
): void {
  const changed = new Set(changes.map(([name]) => name));
  let bytes = 0;
  // Sealed in base64url.
  for (const row of rows) if (!changed.has(row.name)) bytes += Math.ceil((row.value_sealed?.length ?? 0) * 0.75);
  let added = 0;
  for (const [, value] of changes) added += Buffer.byteLength(value ?? '');
  if (added > 0 && bytes + added > RESOURCE_LIMITS.envTotal) {
    throw invalidField('values', 'the variables of an app take up to 4 MiB together');
  }
}

/** Writes what really changes as a new version. Throws `validation_failed` for more variables than an app may have. */
async function write(
  trx: Trx,
  context: WorkspaceContext,
  asker: Asker,
  app: AppTable,
  wanted: ReadonlyMap<string, string | null>,
  restoredFrom: number | null,
): Promise<ReadEnvironment> {
  const { workspaceId, actor } = asker;
  const now = context.clock();
  await lockEnvironment(trx, workspaceId, app.id);
  const current = await newestVersion(trx, workspaceId, app.id);
  checkTag(asker.ifMatch, envState(app.id, current));
  const rows = await readEnvironment(trx, workspaceId, app.id, current);
  const before = await openAll(
    context,
    rows.filter(({ name }) => wanted.has(name)),
  );
  const changes = [...wanted].filter(([name, value]) => (before.get(name) ?? null) !== value);
  const set = changes.flatMap(([name, value]) => (value === null ? [] : [name]));
  const removed = changes.flatMap(([name, value]) => (value === null ? [name] : []));
  const added = set.filter((name) => !before.has(name)).length;
  if (added > 0 && rows.length + added - removed.length > RESOURCE_LIMITS.envVariables) {
    throw invalidField('values', `an app has at most ${RESOURCE_LIMITS.envVariables} variables`);
  }
  checkTotal(rows, changes);
  if (changes.length === 0) return { appId: app.id, version: current, data: show(rows, before) };

  const version = current + 1;
  const facts = { app_id: app.id, workspace_id: workspaceId };
  await insertVersion(
    trx,
    {
      ...facts,
      number: version,
      at: now,
      actor_kind: actor.kind,
      actor_id: actor.id,
      actor_name: actor.name,
      set_names: JSON.stringify(set),
      removed_names: JSON.stringify(removed),
      restored_from: restoredFrom,
    },
    await sealAll(
      context,
      changes.map(([name, value]) => [{ ...facts, name, version, at: now }, value]),
    ),
  );
  await forgetVersions(trx, workspaceId, app.id, version - RESOURCE_LIMITS.envVersions + 1);
  const detail = { version, set, removed, ...(restoredFrom !== null && { restoredFrom }) };
  const action = restoredFrom === null ? 'env.updated' : 'env.restored';
  await record(trx, asker, action, targetOf(app), now, detail);
  const after = await readEnvironment(trx, workspaceId, app.id, version);
  const known = new Map([...wanted].flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])));
  return { appId: app.id, version, data: show(after, known) };
}

/**
 * Sets many variables, and removes those given as null, all or none. The answer shows the values that
 * came with the request. Throws `not_found`, `conflict` (`If-Match`), `validation_failed`.
 */
export function updateVariables(
  context: WorkspaceContext,
  asker: Asker,
  app: string,
  values: ReadonlyMap<string, string | null>,
): Promise<ReadEnvironment> {
  return context.store.transaction(async (trx) => {
    const row = await findRow(trx, 'app', asker.workspaceId, app);
    return write(trx, context, asker, row, values, null);
  });
}

/** Removes one variable. Throws `not_found` where there is none. */
export async function deleteVariable(
  context: WorkspaceContext,
  asker: Asker,
  app: string,
  name: string,
): Promise<void> {
  await context.store.transaction(async (trx) => {
    const row = await findRow(trx, 'app', asker.workspaceId, app);
    const version = await newestVersion(trx, asker.workspaceId, row.id);
    const there = await readEnvironment(trx, asker.workspaceId, row.id, version);
    if (!there.some((one) => one.name === name)) throw new Problem('not_found', 'There is no such variable.');
    await write(trx, context, asker, row, new Map([[name, null]]), null);
  });
}

function showVersion(row: EnvVersionTable): EnvVersion {
  return {
    version: row.number,
    at: instant(row.at),
    by: { kind: row.actor_kind as AuditNoun, id: row.actor_id, name: row.actor_name },
    set: JSON.parse(row.set_names) as string[],
    removed: JSON.parse(row.removed_names) as string[],
    restoredFrom: row.restored_from,
  };
}

/** The versions of an app's environment, newest first: who changed which names. */
export async function listEnvVersions(
  context: WorkspaceContext,
  workspaceId: string,
  app: string,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<EnvVersion>> {
  const { read } = context.store;
  const { id } = await findRow(read, 'app', workspaceId, app);
  const page = pageAsk(query, '-version', 'number');
  const rows = await listVersions(read, workspaceId, id, page);
  return cutPage(rows, page.limit, '-version', (row) => ({ value: row.number, id }), showVersion);
}

/** Makes the variables again what they were in an earlier version, as a new one. Throws `not_found`. */
export function restoreVersion(
  context: WorkspaceContext,
  asker: Asker,
  app: string,
  number: number,
): Promise<ReadEnvironment> {
  const { workspaceId } = asker;
  return context.store.transaction(async (trx) => {
    const row = await findRow(trx, 'app', workspaceId, app);
    if ((await findVersion(trx, workspaceId, row.id, number)) === undefined) {
      throw new Problem('not_found', 'There is no such version, or it is too old to be restored.');
    }
    const then = await openAll(context, await readEnvironment(trx, workspaceId, row.id, number));
    const newest = await newestVersion(trx, workspaceId, row.id);
    const now = await readEnvironment(trx, workspaceId, row.id, newest);
    const wanted = new Map<string, string | null>(then);
    for (const { name } of now) if (!then.has(name)) wanted.set(name, null);
    const done = await write(trx, context, asker, row, wanted, number);
    // Nobody asked for the values: they are told on the way that is recorded.
    return { ...done, data: done.data.map((variable) => ({ ...variable, value: null })) };
  });
}
