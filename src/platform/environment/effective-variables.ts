import { RESOURCE_LIMITS } from '../../contract/limits.ts';
import type { EnvOwnerKind } from '../../contract/platform-vocabulary.ts';
import { invalidField } from '../../contract/problem.ts';
import {
  type EnvOwner,
  type EnvRow,
  findLatestEnvVersion,
  listLargeEnvironments,
  readEnvironment,
} from '../../store/environment.ts';
import { findResource } from '../../store/resources.ts';
import type { AppTable, ProjectTable } from '../../store/schema/resources.ts';
import { unsealedByteLength } from '../../store/seal.ts';
import type { Queryable } from '../../store/store.ts';
import { createYielder } from '../bounded-json.ts';
import type { PlatformContext } from '../context.ts';
import { bytesOfVariable, describeTooLarge } from './command-variables.ts';

/** Returns the associated data of a sealed value, which bind it to one version of one variable of its owner. */
export function variableAssociatedData(
  { kind, id, workspaceId }: EnvOwner,
  { name, version }: { readonly name: string; readonly version: number },
): string {
  return `env${kind === 'project' ? ' project' : ''} ${workspaceId} ${id} ${name} ${version}`;
}

/** A variable with its owner, which is an app or a project. */
export interface OwnedRow extends EnvRow {
  readonly owner: EnvOwner;
}

/** The variables of an app or a project. */
export interface EnvState {
  readonly owner: EnvOwner;
  readonly version: number;
  /** The owner's own variables, sorted by name. */
  readonly ownRows: readonly OwnedRow[];
  /** The variables of an app's project, sorted by name, including those that the app overrides; empty for a project. */
  readonly projectRows: readonly OwnedRow[];
  /** The project of an app, and the version of the project's variables; null for a project. */
  readonly parent: { readonly id: string; readonly version: number } | null;
}

const sortByName = (rows: OwnedRow[]): OwnedRow[] => rows.sort((a, b) => (a.name < b.name ? -1 : 1));

/**
 * Returns the effective variables, sorted by name: the app's own, and the project's that it does not override. Pure.
 */
export function effectiveRows({ ownRows, projectRows }: Pick<EnvState, 'ownRows' | 'projectRows'>): OwnedRow[] {
  const names = new Set(ownRows.map(({ name }) => name));
  return sortByName([...ownRows, ...projectRows.filter(({ name }) => !names.has(name))]);
}

/** Returns the state from which the entity tag of an environment is computed. */
export const entityTagState = ({ owner, version, parent }: EnvState): object => ({ id: owner.id, version, parent });

export const ownerOf = (kind: EnvOwnerKind, row: AppTable | ProjectTable): EnvOwner => ({
  kind,
  id: row.id,
  workspaceId: row.workspace_id,
});

/** Returns the project from which an app inherits variables; null for a project. */
export const parentOf = (row: AppTable | ProjectTable): EnvOwner | null =>
  'project_id' in row ? { kind: 'project', id: row.project_id, workspaceId: row.workspace_id } : null;

/** Returns the variables of an owner as of a version. */
export async function readRows(db: Queryable, owner: EnvOwner, version: number): Promise<OwnedRow[]> {
  return (await readEnvironment(db, owner, version)).map((row) => ({ ...row, owner }));
}

/** Reads the current variables of an app or a project. */
export async function readEnvState(db: Queryable, kind: EnvOwnerKind, row: AppTable | ProjectTable): Promise<EnvState> {
  const owner = ownerOf(kind, row);
  const parent = parentOf(row);
  const version = await findLatestEnvVersion(db, owner);
  const ownRows = await readRows(db, owner, version);
  if (parent === null) return { owner, version, ownRows, projectRows: [], parent };
  const projectVersion = await findLatestEnvVersion(db, parent);
  return {
    owner,
    version,
    ownRows,
    projectRows: await readRows(db, parent, projectVersion),
    parent: { id: parent.id, version: projectVersion },
  };
}

/**
 * Returns the decrypted values by name. Runs in several turns of the event loop, so that a large environment does not
 * delay authorization requests.
 */
export async function openValues(context: PlatformContext, rows: readonly OwnedRow[]): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  const yieldIfDue = createYielder();
  for (const row of rows) {
    values.set(row.name, context.seal.open(row.value_sealed, variableAssociatedData(row.owner, row)));
    await yieldIfDue();
  }
  return values;
}

/**
 * Returns the decrypted effective variables of an app for its commands; empty if the app does not exist. No audit event
 * is recorded, because no person sees the values.
 */
export async function loadVariables(
  context: PlatformContext,
  workspaceId: string,
  appId: string,
): Promise<Record<string, string>> {
  const { read } = context.store;
  const app = await findResource(read, 'app', workspaceId, appId);
  if (app === undefined) return {};
  const state = await readEnvState(read, 'app', app);
  return Object.fromEntries(await openValues(context, effectiveRows(state)));
}

/**
 * Returns an error message, without a subject, that lists the required variables without a value, or with an empty
 * value, in the app and its project; null if there are none.
 */
export async function describeMissingVariables(db: Queryable, app: AppTable): Promise<string | null> {
  const required = JSON.parse(app.required_variables) as string[];
  if (required.length === 0) return null;
  const namesWithValue = new Set(
    effectiveRows(await readEnvState(db, 'app', app)).flatMap(({ name, value_sealed }) =>
      unsealedByteLength(value_sealed) === 0 ? [] : [name],
    ),
  );
  const missing = required.filter((name) => !namesWithValue.has(name));
  return missing.length === 0 ? null : `must have a value before the app is deployed: ${missing.join(', ')}`;
}

const bytesOf = (rows: Iterable<readonly [name: string, bytes: number]>): number => {
  let sum = 0;
  for (const [name, bytes] of rows) sum += bytesOfVariable(name, bytes);
  return sum;
};

/** The sizes of values in bytes, by the names of the variables. */
type Sizes = ReadonlyMap<string, number>;
const sizesOf = (rows: readonly EnvRow[]): Sizes =>
  new Map(rows.map(({ name, value_sealed }) => [name, unsealedByteLength(value_sealed)]));

/** The new values of variables; null for a variable to remove. */
export type Changes = readonly (readonly [name: string, value: string | null])[];

function sizesAfter(rows: readonly EnvRow[], changes: Changes): Sizes {
  const sizes = new Map(sizesOf(rows));
  for (const [name, value] of changes) {
    if (value === null) sizes.delete(name);
    else sizes.set(name, Buffer.byteLength(value));
  }
  return sizes;
}

/** Throws `validation_failed` if a change would make variables larger than before and than the kernel's limit. */
function rejectTooLarge(field: string, subject: string, before: number, after: number): void {
  if (after > RESOURCE_LIMITS.envTotalBytes && after > before) {
    throw invalidField(field, `must be smaller: ${describeTooLarge(subject, after)}`);
  }
}

/**
 * Throws `validation_failed`, for the largest changed variable, if the changes would make the variables of an app
 * exceed the kernel's limit for a command. `state` is the environment of the app, or of a project, which is checked
 * alone and with each of its apps.
 */
export async function checkTotalSize(db: Queryable, state: EnvState, changes: Changes): Promise<void> {
  const { owner, ownRows, projectRows } = state;
  const [largest] = changes.toSorted(([, a], [, b]) => (b?.length ?? 0) - (a?.length ?? 0));
  const field = `values.${largest?.[0] ?? ''}`;
  const before = sizesOf(ownRows);
  const after = sizesAfter(ownRows, changes);
  const inherited = sizesOf(projectRows);
  const totalBytes = (projectSizes: Sizes, appSizes: Sizes) => bytesOf(new Map([...projectSizes, ...appSizes]));
  const subject = owner.kind === 'app' ? "the app's variables" : "the project's variables";
  rejectTooLarge(field, subject, totalBytes(inherited, before), totalBytes(inherited, after));
  // A new variable counts even if its value is empty.
  const isLarger = changes.some(([name]) => (after.get(name) ?? 0) > (before.get(name) ?? -1));
  if (owner.kind === 'app' || !isLarger) return;
  const largeApps = await listLargeEnvironments(
    db,
    owner,
    RESOURCE_LIMITS.envTotalBytes - bytesOf(after),
    RESOURCE_LIMITS.envVariableOverhead,
  );
  for (const { id, name } of largeApps) {
    const app: EnvOwner = { kind: 'app', id, workspaceId: owner.workspaceId };
    const appSizes = sizesOf(await readEnvironment(db, app, await findLatestEnvVersion(db, app)));
    const bytesBefore = totalBytes(before, appSizes);
    rejectTooLarge(field, `the variables of the app ${name}`, bytesBefore, totalBytes(after, appSizes));
  }
}

/** Throws `validation_failed` if the variables of an app and its new project together exceed the kernel's limit. */
export async function checkSizeInProject(db: Queryable, app: AppTable): Promise<void> {
  const { ownRows, projectRows } = await readEnvState(db, 'app', app);
  const bytes = bytesOf(new Map([...sizesOf(projectRows), ...sizesOf(ownRows)]));
  rejectTooLarge('projectId', 'the variables of the app and its project', bytesOf(sizesOf(ownRows)), bytes);
}
