import { sql } from 'kysely';
import type { EnvOwnerKind } from '../contract/platform-vocabulary.ts';
import type { PageRequest } from './paging.ts';
import type { EnvChangeColumns, EnvVersionColumns } from './schema/resources.ts';
import { SEAL_OVERHEAD } from './seal.ts';
import type { Queryable, Trx } from './store.ts';

/** Keeps the parameters of one statement well below every engine's limit. */
const ROWS_PER_INSERT = 500;

/** The app or project that an environment belongs to. */
export interface EnvOwner {
  readonly kind: EnvOwnerKind;
  readonly id: string;
  readonly workspaceId: string;
}

const TABLES = {
  app: { version: sql.table('env_version'), change: sql.table('env_change'), ownerId: sql.ref('app_id') },
  project: {
    version: sql.table('project_env_version'),
    change: sql.table('project_env_change'),
    ownerId: sql.ref('project_id'),
  },
} as const;

/** Matches the rows of an owner. */
const belongsTo = ({ kind, id, workspaceId }: EnvOwner) =>
  sql<boolean>`workspace_id = ${workspaceId} and ${TABLES[kind].ownerId} = ${id}`;

/** Locks an environment until the transaction ends, so that its versions are numbered without gaps. */
export async function lockEnvironment(trx: Trx, { kind, id, workspaceId }: EnvOwner): Promise<void> {
  await sql`update ${sql.table(kind)} set updated_at = updated_at
    where workspace_id = ${workspaceId} and id = ${id}`.execute(trx);
}

/** Returns the number of the newest version, or 0 if there is none. */
export async function findLatestEnvVersion(db: Queryable, owner: EnvOwner): Promise<number> {
  const { rows } = await sql<{ number: number }>`select number from ${TABLES[owner.kind].version}
    where ${belongsTo(owner)} order by number desc limit 1`.execute(db);
  return rows[0]?.number ?? 0;
}

export type EnvRow = Omit<EnvChangeColumns, 'value_sealed'> & { readonly value_sealed: string };

/** Returns the variables that apply in a version, sorted by name, each as the change that set it. */
export async function readEnvironment(db: Queryable, owner: EnvOwner, version: number): Promise<EnvRow[]> {
  const { change, ownerId } = TABLES[owner.kind];
  const { rows } = await sql<EnvRow>`select workspace_id, name, version, value_sealed, at from ${change} as variable
    where ${belongsTo(owner)} and value_sealed is not null
      and version = (select max(version) from ${change}
        where ${ownerId} = ${owner.id} and name = variable.name and version <= ${version})
    order by name`.execute(db);
  return rows;
}

export async function envVersionExists(db: Queryable, owner: EnvOwner, number: number): Promise<boolean> {
  const { rows } = await sql`select number from ${TABLES[owner.kind].version}
    where ${belongsTo(owner)} and number = ${number}`.execute(db);
  return rows.length > 0;
}

/** Returns versions, newest first, up to one more than the limit. */
export async function listEnvVersionRows(
  db: Queryable,
  owner: EnvOwner,
  page: PageRequest,
): Promise<EnvVersionColumns[]> {
  const beforeCursor = page.after === null ? sql`` : sql`and number < ${Number(page.after.value)}`;
  const { rows } = await sql<EnvVersionColumns>`select * from ${TABLES[owner.kind].version}
    where ${belongsTo(owner)} ${beforeCursor} order by number desc limit ${page.limit + 1}`.execute(db);
  return rows;
}

/**
 * Returns the names of the variables that were set by versions created after `after` and not after `until` (epoch
 * milliseconds).
 */
export async function listNamesSetBetween(
  db: Queryable,
  owner: EnvOwner,
  after: number,
  until: number,
): Promise<Set<string>> {
  const { rows } = await sql<{ set_names: string }>`select set_names from ${TABLES[owner.kind].version}
    where ${belongsTo(owner)} and at > ${after} and at <= ${until}`.execute(db);
  return new Set(rows.flatMap(({ set_names }) => JSON.parse(set_names) as string[]));
}

export async function insertEnvVersion(
  trx: Trx,
  owner: EnvOwner,
  version: EnvVersionColumns,
  changes: readonly EnvChangeColumns[],
): Promise<void> {
  const batches = Array.from({ length: Math.ceil(changes.length / ROWS_PER_INSERT) }, (_, index) =>
    changes.slice(index * ROWS_PER_INSERT, (index + 1) * ROWS_PER_INSERT),
  );
  if (owner.kind === 'app') {
    await trx
      .insertInto('env_version')
      .values({ ...version, app_id: owner.id })
      .execute();
    for (const batch of batches)
      await trx
        .insertInto('env_change')
        .values(batch.map((row) => ({ ...row, app_id: owner.id })))
        .execute();
    return;
  }
  await trx
    .insertInto('project_env_version')
    .values({ ...version, project_id: owner.id })
    .execute();
  for (const batch of batches)
    await trx
      .insertInto('project_env_change')
      .values(batch.map((row) => ({ ...row, project_id: owner.id })))
      .execute();
}

/** Deletes the versions before `oldest`, and the values that no longer apply in the version `oldest`. */
export async function pruneEnvVersions(trx: Trx, owner: EnvOwner, oldest: number): Promise<void> {
  const { version, change, ownerId } = TABLES[owner.kind];
  await sql`delete from ${version} where ${belongsTo(owner)} and number < ${oldest}`.execute(trx);
  await sql`delete from ${change} where ${belongsTo(owner)} and version < ${oldest}
    and version < (select max(version) from ${change} as later
      where later.${ownerId} = ${owner.id} and later.name = ${change}.name and later.version <= ${oldest})`.execute(
    trx,
  );
}

/**
 * Returns the apps of a project whose own variables together exceed `maxBytes`. The size of a variable is the length of
 * its name and value plus `overheadBytes`. The length of the value is computed from its sealed form, see
 * `SEAL_OVERHEAD`.
 */
export async function listLargeEnvironments(
  db: Queryable,
  project: EnvOwner,
  maxBytes: number,
  overheadBytes: number,
): Promise<{ readonly id: string; readonly name: string }[]> {
  const { rows } = await sql<{ id: string; name: string }>`select app.id, app.name from app
    join env_change as variable on variable.app_id = app.id and variable.workspace_id = app.workspace_id
    where app.workspace_id = ${project.workspaceId} and app.project_id = ${project.id} and variable.value_sealed is not null
      and variable.version = (select max(version) from env_change where app_id = app.id and name = variable.name)
    group by app.id, app.name
    having sum(length(variable.name) + ${overheadBytes}
      + (length(variable.value_sealed) - ${SEAL_OVERHEAD.characters}) * 3 / 4 - ${SEAL_OVERHEAD.bytes}) > ${maxBytes}
    order by app.name, app.id`.execute(db);
  return rows;
}
