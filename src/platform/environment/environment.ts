import { checkIfMatch } from '../../audit/if-match.ts';
import { actorColumnsOf, type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import { isControlVariable } from '../../contract/control-variables.ts';
import type { Environment, EnvQuery, EnvVariable, EnvVersion } from '../../contract/environment.ts';
import type { AuditPartyKind } from '../../contract/event-names.ts';
import { toIsoString } from '../../contract/instant.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import type { Page } from '../../contract/paging.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import {
  type EnvRow,
  findEnvVersion,
  insertEnvVersion,
  latestEnvVersion,
  listEnvVersionRows,
  lockEnvironment,
  pruneEnvVersions,
  readEnvironment,
} from '../../store/environment.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import type { AppTable, EnvVersionTable } from '../../store/schema/resources.ts';
import type { Trx } from '../../store/store.ts';
import { createYielder } from '../bounded-json.ts';
import type { PlatformContext } from '../context.ts';
import { requireResource } from '../resources/resources.ts';

/** The identity that a value is bound to: this variable of this app in this version, and no other row. */
export function variableAssociatedData(row: {
  readonly workspace_id: string;
  readonly app_id: string;
  readonly name: string;
  readonly version: number;
}): string {
  return `env ${row.workspace_id} ${row.app_id} ${row.name} ${row.version}`;
}

/** The state that the entity tag of an environment is computed from. */
export const environmentState = (appId: string, version: number) => ({ appId, version });

/**
 * Decrypts values in several turns of the event loop, so that a large environment does not delay authorization
 * requests.
 */
async function openValues(context: PlatformContext, rows: readonly EnvRow[]): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  const yieldIfDue = createYielder();
  for (const row of rows) {
    values.set(row.name, context.seal.open(row.value_sealed, variableAssociatedData(row)));
    await yieldIfDue();
  }
  return values;
}

/** Encrypts new values, likewise in several turns of the event loop. */
async function sealValues<Row extends Parameters<typeof variableAssociatedData>[0]>(
  context: PlatformContext,
  changes: readonly (readonly [Row, string | null])[],
): Promise<(Row & { value_sealed: string | null })[]> {
  const rows: (Row & { value_sealed: string | null })[] = [];
  const yieldIfDue = createYielder();
  for (const [row, value] of changes) {
    rows.push({ ...row, value_sealed: value === null ? null : context.seal.seal(value, variableAssociatedData(row)) });
    await yieldIfDue();
  }
  return rows;
}

function serializeVariables(rows: readonly EnvRow[], values: ReadonlyMap<string, string>): EnvVariable[] {
  return rows.map(({ name, at: setAtMs }) => ({
    name,
    value: values.get(name) ?? null,
    updatedAt: toIsoString(setAtMs),
  }));
}

/** An environment with its version. */
export interface EnvironmentSnapshot extends Environment {
  readonly appId: string;
  readonly version: number;
}

/**
 * Reads an app's variables by name. Records an audit event with the names if values are shown to a person. Throws
 * `not_found` for an unknown app or variable.
 */
export async function readVariables(
  context: PlatformContext,
  request: RequestContext,
  app: string,
  query: EnvQuery,
): Promise<EnvironmentSnapshot> {
  const { workspaceId } = request;
  const { read } = context.store;
  const row = await requireResource(read, 'app', workspaceId, app);
  const version = await latestEnvVersion(read, workspaceId, row.id);
  const allRows = await readEnvironment(read, workspaceId, row.id, version);
  const rows = query.name === undefined ? allRows : allRows.filter(({ name }) => name === query.name);
  if (query.name !== undefined && rows.length === 0) throw new Problem('not_found', 'The variable was not found.');
  const isRevealed = query.values !== 'hidden' || query.format === 'dotenv';
  const values = isRevealed ? await openValues(context, rows) : new Map<string, string>();
  if (isRevealed && rows.length > 0 && request.actor.kind === 'person') {
    await context.store.transaction((trx) =>
      recordAuditEvent(trx, request, 'env.revealed', auditTargetOf(row), context.clock(), {
        names: rows.map(({ name }) => name),
      }),
    );
  }
  return { appId: row.id, version, data: serializeVariables(rows, values) };
}

/** Decrypts the variables for a process of the app. They are shown to nobody, so nothing is recorded. */
export async function loadVariables(
  context: PlatformContext,
  workspaceId: string,
  appId: string,
): Promise<Record<string, string>> {
  const { read } = context.store;
  const version = await latestEnvVersion(read, workspaceId, appId);
  return Object.fromEntries(await openValues(context, await readEnvironment(read, workspaceId, appId, version)));
}

/**
 * Maximum size in bytes of the variables of a process: Linux limits the environment to 2 MiB, including what the
 * server adds.
 */
const MAX_COMMAND_BYTES = 2 * 1_048_576 - 131_072;

/** Variables that are passed to the app's commands. */
export interface CommandVariables {
  readonly passed: Readonly<Record<string, string>>;
  /** Names that control programs: these remain in `.env`. */
  readonly withheld: readonly string[];
  /** Reason why no command can be started with them; null if it can. */
  readonly problem: string | null;
}

/** Pure. */
export function selectCommandVariables(variables: Readonly<Record<string, string>>): CommandVariables {
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
        : `The app's variables are ${size(bytes)} in total. Linux starts no command with more than ${size(MAX_COMMAND_BYTES)}: store large values as files.`,
  };
}

const auditTargetOf = (row: AppTable) => ({ kind: 'app', id: row.id, name: row.name }) as const;

/** Throws `validation_failed` if the values of an app would exceed their total limit. */
function checkTotalSize(
  rows: readonly { readonly name: string; readonly value_sealed: string | null }[],
  changes: readonly (readonly [string, string | null])[],
): void {
  const changed = new Set(changes.map(([name]) => name));
  let bytes = 0;
  // Encrypted values are in base64url.
  for (const row of rows) if (!changed.has(row.name)) bytes += Math.ceil((row.value_sealed?.length ?? 0) * 0.75);
  let added = 0;
  for (const [, value] of changes) added += Buffer.byteLength(value ?? '');
  if (added > 0 && bytes + added > RESOURCE_LIMITS.envTotalBytes) {
    throw invalidField('values', 'must be at most 4 MiB in total for an app');
  }
}

/** Writes actual changes as a new version. Throws `validation_failed` for more variables than an app may have. */
async function writeVersion(
  trx: Trx,
  context: PlatformContext,
  request: RequestContext,
  app: AppTable,
  desiredValues: ReadonlyMap<string, string | null>,
  restoredFrom: number | null,
): Promise<EnvironmentSnapshot> {
  const { workspaceId } = request;
  const now = context.clock();
  await lockEnvironment(trx, workspaceId, app.id);
  const current = await latestEnvVersion(trx, workspaceId, app.id);
  checkIfMatch(request.ifMatch, environmentState(app.id, current));
  const rows = await readEnvironment(trx, workspaceId, app.id, current);
  const before = await openValues(
    context,
    rows.filter(({ name }) => desiredValues.has(name)),
  );
  const changes = [...desiredValues].filter(([name, value]) => (before.get(name) ?? null) !== value);
  const set = changes.flatMap(([name, value]) => (value === null ? [] : [name]));
  const removed = changes.flatMap(([name, value]) => (value === null ? [name] : []));
  const added = set.filter((name) => !before.has(name)).length;
  if (added > 0 && rows.length + added - removed.length > RESOURCE_LIMITS.envVariables) {
    throw invalidField('values', `must be at most ${RESOURCE_LIMITS.envVariables} variables for an app`);
  }
  checkTotalSize(rows, changes);
  if (changes.length === 0) return { appId: app.id, version: current, data: serializeVariables(rows, before) };

  const version = current + 1;
  const keys = { app_id: app.id, workspace_id: workspaceId };
  await insertEnvVersion(
    trx,
    {
      ...keys,
      number: version,
      at: now,
      ...actorColumnsOf(request),
      set_names: JSON.stringify(set),
      removed_names: JSON.stringify(removed),
      restored_from: restoredFrom,
    },
    await sealValues(
      context,
      changes.map(([name, value]) => [{ ...keys, name, version, at: now }, value]),
    ),
  );
  await pruneEnvVersions(trx, workspaceId, app.id, version - RESOURCE_LIMITS.envVersions + 1);
  const detail = { version, set, removed, ...(restoredFrom !== null && { restoredFrom }) };
  const action = restoredFrom === null ? 'env.updated' : 'env.restored';
  await recordAuditEvent(trx, request, action, auditTargetOf(app), now, detail);
  const after = await readEnvironment(trx, workspaceId, app.id, version);
  const sentValues = new Map(
    [...desiredValues].flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
  );
  return { appId: app.id, version, data: serializeVariables(after, sentValues) };
}

/**
 * Sets many variables, and removes those given as null, all or none. The result has the values of the request. Throws
 * `not_found`, `conflict` (`If-Match`), `validation_failed`.
 */
export function updateVariables(
  context: PlatformContext,
  request: RequestContext,
  app: string,
  values: ReadonlyMap<string, string | null>,
): Promise<EnvironmentSnapshot> {
  return context.store.transaction(async (trx) => {
    const row = await requireResource(trx, 'app', request.workspaceId, app);
    return writeVersion(trx, context, request, row, values, null);
  });
}

/** Removes one variable. Throws `not_found` if it does not exist. */
export async function deleteVariable(
  context: PlatformContext,
  request: RequestContext,
  app: string,
  name: string,
): Promise<void> {
  await context.store.transaction(async (trx) => {
    const row = await requireResource(trx, 'app', request.workspaceId, app);
    const version = await latestEnvVersion(trx, request.workspaceId, row.id);
    const existing = await readEnvironment(trx, request.workspaceId, row.id, version);
    if (!existing.some((row) => row.name === name)) throw new Problem('not_found', 'The variable was not found.');
    await writeVersion(trx, context, request, row, new Map([[name, null]]), null);
  });
}

function serializeVersion(row: EnvVersionTable): EnvVersion {
  return {
    version: row.number,
    at: toIsoString(row.at),
    by: { kind: row.actor_kind as AuditPartyKind, id: row.actor_id, name: row.actor_name },
    set: JSON.parse(row.set_names) as string[],
    removed: JSON.parse(row.removed_names) as string[],
    restoredFrom: row.restored_from,
  };
}

/** Lists the versions of an app's environment, newest first: who changed which names. */
export async function listEnvVersions(
  context: PlatformContext,
  workspaceId: string,
  app: string,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<EnvVersion>> {
  const { read } = context.store;
  const { id } = await requireResource(read, 'app', workspaceId, app);
  const page = readPageRequest(query, '-version', 'number');
  const rows = await listEnvVersionRows(read, workspaceId, id, page);
  return toPage(rows, page.limit, '-version', (row) => ({ value: row.number, id }), serializeVersion);
}

/** Restores the variables of an earlier version, as a new version. Throws `not_found`. */
export function restoreVersion(
  context: PlatformContext,
  request: RequestContext,
  app: string,
  number: number,
): Promise<EnvironmentSnapshot> {
  const { workspaceId } = request;
  return context.store.transaction(async (trx) => {
    const row = await requireResource(trx, 'app', workspaceId, app);
    if ((await findEnvVersion(trx, workspaceId, row.id, number)) === undefined) {
      throw new Problem('not_found', 'The version was not found, or is too old to be restored.');
    }
    const restored = await openValues(context, await readEnvironment(trx, workspaceId, row.id, number));
    const newest = await latestEnvVersion(trx, workspaceId, row.id);
    const current = await readEnvironment(trx, workspaceId, row.id, newest);
    const desiredValues = new Map<string, string | null>(restored);
    for (const { name } of current) if (!restored.has(name)) desiredValues.set(name, null);
    const written = await writeVersion(trx, context, request, row, desiredValues, number);
    // The caller did not request values; those are read where it is recorded.
    return { ...written, data: written.data.map((variable) => ({ ...variable, value: null })) };
  });
}
