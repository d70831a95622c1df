import { checkIfMatch } from '../../audit/if-match.ts';
import { actorColumnsOf, actorOf, type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import type { Environment, EnvQuery, EnvVariable, EnvVersion } from '../../contract/environment.ts';
import { toIsoString } from '../../contract/instant.ts';
import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import type { Page, PageQuery } from '../../contract/paging.ts';
import type { EnvOwnerKind } from '../../contract/platform-vocabulary.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import {
  type EnvOwner,
  envVersionExists,
  findLatestEnvVersion,
  insertEnvVersion,
  listEnvVersionRows,
  lockEnvironment,
  pruneEnvVersions,
} from '../../store/environment.ts';
import { readPageRequest, toPage } from '../../store/paging.ts';
import type { AppTable, EnvChangeColumns, EnvVersionColumns, ProjectTable } from '../../store/schema/resources.ts';
import type { Queryable, Trx } from '../../store/store.ts';
import { createYielder } from '../bounded-json.ts';
import type { PlatformContext } from '../context.ts';
import { requireResource } from '../resources/resources.ts';
import {
  type Changes,
  checkTotalSize,
  effectiveRows,
  entityTagState,
  type OwnedRow,
  openValues,
  ownerOf,
  parentOf,
  readEnvState,
  readRows,
  variableAssociatedData,
} from './effective-variables.ts';

/** Encrypts the new values of variables, in several turns of the event loop like `openValues`. */
async function sealValues(
  context: PlatformContext,
  owner: EnvOwner,
  { version, at }: Pick<EnvChangeColumns, 'version' | 'at'>,
  changes: Changes,
): Promise<EnvChangeColumns[]> {
  const rows: EnvChangeColumns[] = [];
  const yieldIfDue = createYielder();
  for (const [name, value] of changes) {
    const sealed = value === null ? null : context.seal.seal(value, variableAssociatedData(owner, { name, version }));
    rows.push({ workspace_id: owner.workspaceId, name, version, at, value_sealed: sealed });
    await yieldIfDue();
  }
  return rows;
}

function serializeVariables(rows: readonly OwnedRow[], values: ReadonlyMap<string, string>): EnvVariable[] {
  return rows.map(({ name, at: setAtMs, owner }) => ({
    name,
    value: values.get(name) ?? null,
    from: owner.kind,
    updatedAt: toIsoString(setAtMs),
  }));
}

/** An environment with the state from which its entity tag is computed. */
export interface EnvironmentSnapshot extends Environment {
  readonly state: object;
}

type OwnerRow = AppTable | ProjectTable;

/** Returns the app or project that owns the environment. Throws `not_found`. */
const requireOwner = (db: Queryable, kind: EnvOwnerKind, workspaceId: string, idOrSlug: string): Promise<OwnerRow> =>
  requireResource(db, kind, workspaceId, idOrSlug);

/** Whether a query requests a file, which always contains the values. */
export const requestsFile = ({ format = 'json' }: EnvQuery): boolean => format !== 'json';

const ACTIONS_BY_OWNER = {
  app: { updated: 'env.updated', restored: 'env.restored', revealed: 'env.revealed' },
  project: { updated: 'project_env.updated', restored: 'project_env.restored', revealed: 'project_env.revealed' },
} as const;
const auditTargetOf = (kind: EnvOwnerKind, row: OwnerRow) => ({ kind, id: row.id, name: row.name });

/**
 * Reads the variables of an app, with those that it inherits from its project, or of a project. Records an audit event
 * with the names if values are returned to a person. Throws `not_found` for an unknown app, project or variable.
 */
export async function getVariables(
  context: PlatformContext,
  request: RequestContext,
  kind: EnvOwnerKind,
  idOrSlug: string,
  query: EnvQuery,
): Promise<EnvironmentSnapshot> {
  const { read } = context.store;
  const row = await requireOwner(read, kind, request.workspaceId, idOrSlug);
  const state = await readEnvState(read, kind, row);
  const rows = effectiveRows(state).filter(({ name }) => query.name === undefined || name === query.name);
  if (query.name !== undefined && rows.length === 0) throw new Problem('not_found', 'The variable was not found.');
  const includesValues = query.values !== 'hidden' || requestsFile(query);
  const values = includesValues ? await openValues(context, rows) : new Map<string, string>();
  if (includesValues && rows.length > 0 && request.actor.kind === 'person') {
    await context.store.transaction((trx) =>
      recordAuditEvent(trx, request, ACTIONS_BY_OWNER[kind].revealed, auditTargetOf(kind, row), context.clock(), {
        names: rows.map(({ name }) => name),
      }),
    );
  }
  return { state: entityTagState(state), data: serializeVariables(rows, values) };
}

/** Locks the environment of an app's project, then the app's own, so that neither changes while sizes are checked. */
async function lockEnvironments(trx: Trx, kind: EnvOwnerKind, row: OwnerRow): Promise<void> {
  const parent = parentOf(row);
  if (parent !== null) await lockEnvironment(trx, parent);
  await lockEnvironment(trx, ownerOf(kind, row));
}

/**
 * Writes the values that differ from the current ones as a new version. Throws `conflict` if `If-Match` names another
 * version, and `validation_failed` for too many or too large variables.
 */
async function writeVersion(
  trx: Trx,
  context: PlatformContext,
  request: RequestContext,
  kind: EnvOwnerKind,
  row: OwnerRow,
  desiredValues: ReadonlyMap<string, string | null>,
  restoredFrom: number | null,
): Promise<EnvironmentSnapshot> {
  const now = context.clock();
  await lockEnvironments(trx, kind, row);
  const state = await readEnvState(trx, kind, row);
  const { owner, ownRows } = state;
  checkIfMatch(request.ifMatch, entityTagState(state));
  const previousValues = await openValues(
    context,
    ownRows.filter(({ name }) => desiredValues.has(name)),
  );
  const changes = [...desiredValues].filter(([name, value]) => (previousValues.get(name) ?? null) !== value);
  const setNames = changes.flatMap(([name, value]) => (value === null ? [] : [name]));
  const removedNames = changes.flatMap(([name, value]) => (value === null ? [name] : []));
  const addedCount = setNames.filter((name) => !previousValues.has(name)).length;
  if (addedCount > 0 && ownRows.length + addedCount - removedNames.length > RESOURCE_LIMITS.envVariables) {
    const owned = kind === 'app' ? 'an app' : 'a project';
    throw invalidField('values', `must leave ${owned} with at most ${RESOURCE_LIMITS.envVariables} variables`);
  }
  await checkTotalSize(trx, state, changes);
  if (changes.length === 0)
    return { state: entityTagState(state), data: serializeVariables(effectiveRows(state), previousValues) };

  const version = state.version + 1;
  await insertEnvVersion(
    trx,
    owner,
    {
      workspace_id: owner.workspaceId,
      number: version,
      at: now,
      ...actorColumnsOf(request),
      set_names: JSON.stringify(setNames),
      removed_names: JSON.stringify(removedNames),
      restored_from: restoredFrom,
    },
    await sealValues(context, owner, { version, at: now }, changes),
  );
  await pruneEnvVersions(trx, owner, version - RESOURCE_LIMITS.envVersions + 1);
  const detail = { version, set: setNames, removed: removedNames, ...(restoredFrom !== null && { restoredFrom }) };
  const action = ACTIONS_BY_OWNER[kind][restoredFrom === null ? 'updated' : 'restored'];
  await recordAuditEvent(trx, request, action, auditTargetOf(kind, row), now, detail);
  const after = await readEnvState(trx, kind, row);
  const sentValues = new Map(
    [...desiredValues].flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
  );
  return { state: entityTagState(after), data: serializeVariables(effectiveRows(after), sentValues) };
}

/**
 * Sets variables of an app or a project, and removes the variables whose value is null. Makes all changes or none. In
 * the result, values that are not in the request are null. Throws `not_found`, `conflict` if `If-Match` names another
 * version, `validation_failed`.
 */
export function updateVariables(
  context: PlatformContext,
  request: RequestContext,
  kind: EnvOwnerKind,
  idOrSlug: string,
  values: ReadonlyMap<string, string | null>,
): Promise<EnvironmentSnapshot> {
  return context.store.transaction(async (trx) => {
    const row = await requireOwner(trx, kind, request.workspaceId, idOrSlug);
    return writeVersion(trx, context, request, kind, row, values, null);
  });
}

/**
 * Removes one variable. Throws `not_found` if it does not exist or is inherited, `conflict` if `If-Match` names another
 * version.
 */
export async function deleteVariable(
  context: PlatformContext,
  request: RequestContext,
  kind: EnvOwnerKind,
  idOrSlug: string,
  name: string,
): Promise<void> {
  await context.store.transaction(async (trx) => {
    const row = await requireOwner(trx, kind, request.workspaceId, idOrSlug);
    const { ownRows, projectRows } = await readEnvState(trx, kind, row);
    if (!ownRows.some((own) => own.name === name)) {
      const isInherited = projectRows.some((inherited) => inherited.name === name);
      throw new Problem(
        'not_found',
        isInherited
          ? 'The app inherits this variable from its project. Remove it there, or override it.'
          : 'The variable was not found.',
      );
    }
    await writeVersion(trx, context, request, kind, row, new Map([[name, null]]), null);
  });
}

function serializeVersion(row: EnvVersionColumns): EnvVersion {
  return {
    version: row.number,
    at: toIsoString(row.at),
    by: actorOf(row),
    set: JSON.parse(row.set_names) as string[],
    removed: JSON.parse(row.removed_names) as string[],
    restoredFrom: row.restored_from,
  };
}

/** Lists the versions of an environment, newest first, each with its author and the changed names. */
export async function listEnvVersions(
  context: PlatformContext,
  workspaceId: string,
  kind: EnvOwnerKind,
  idOrSlug: string,
  query: PageQuery,
): Promise<Page<EnvVersion>> {
  const { read } = context.store;
  const owner = ownerOf(kind, await requireOwner(read, kind, workspaceId, idOrSlug));
  const page = readPageRequest(query, '-version', 'number');
  const rows = await listEnvVersionRows(read, owner, page);
  return toPage(rows, page.limit, '-version', (row) => ({ value: row.number, id: owner.id }), serializeVersion);
}

/**
 * Restores the variables of an earlier version, as a new version. Throws `not_found`, `conflict` if `If-Match` names
 * another version, `validation_failed`.
 */
export function restoreVersion(
  context: PlatformContext,
  request: RequestContext,
  kind: EnvOwnerKind,
  idOrSlug: string,
  number: number,
): Promise<EnvironmentSnapshot> {
  return context.store.transaction(async (trx) => {
    const row = await requireOwner(trx, kind, request.workspaceId, idOrSlug);
    const owner = ownerOf(kind, row);
    if (!(await envVersionExists(trx, owner, number))) {
      throw new Problem('not_found', 'The version was not found, or is too old to be restored.');
    }
    const restored = await openValues(context, await readRows(trx, owner, number));
    const current = await readRows(trx, owner, await findLatestEnvVersion(trx, owner));
    const desiredValues = new Map<string, string | null>(restored);
    for (const { name } of current) if (!restored.has(name)) desiredValues.set(name, null);
    const written = await writeVersion(trx, context, request, kind, row, desiredValues, number);
    // Stored values are returned only by `getVariables`, which records an audit event.
    return { ...written, data: written.data.map((variable) => ({ ...variable, value: null })) };
  });
}
