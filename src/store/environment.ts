import { sql } from 'kysely';
import type { PageRequest } from './paging.ts';
import type { EnvChangeTable, EnvVersionTable } from './schema/resources.ts';
import type { Queryable, Trx } from './store.ts';

/** Keeps the parameters of one statement well below every engine's limit. */
const ROWS_PER_INSERT = 500;

/** Locks an app's environment until the transaction ends, so that its versions are numbered without gaps. */
export async function lockEnvironment(trx: Trx, workspaceId: string, appId: string): Promise<void> {
  await trx
    .updateTable('app')
    .set({ updated_at: sql<number>`updated_at` })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', appId)
    .execute();
}

/** Returns the number of the newest version, or 0 if nothing was ever set. */
export async function latestEnvVersion(db: Queryable, workspaceId: string, appId: string): Promise<number> {
  const row = await db
    .selectFrom('env_version')
    .select('number')
    .where('workspace_id', '=', workspaceId)
    .where('app_id', '=', appId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.number ?? 0;
}

export type EnvRow = Omit<EnvChangeTable, 'value_sealed'> & { readonly value_sealed: string };

/** Returns the variables as of a version, sorted by name. */
export async function readEnvironment(
  db: Queryable,
  workspaceId: string,
  appId: string,
  version: number,
): Promise<EnvRow[]> {
  const { rows } = await sql<EnvRow>`select * from env_change as held
    where workspace_id = ${workspaceId} and app_id = ${appId} and value_sealed is not null
      and version = (select max(version) from env_change
        where app_id = ${appId} and name = held.name and version <= ${version})
    order by name`.execute(db);
  return rows;
}

export async function findEnvVersion(
  db: Queryable,
  workspaceId: string,
  appId: string,
  number: number,
): Promise<EnvVersionTable | undefined> {
  return db
    .selectFrom('env_version')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('app_id', '=', appId)
    .where('number', '=', number)
    .executeTakeFirst();
}

/** Returns versions, newest first, up to one more than the limit. */
export async function listEnvVersionRows(
  db: Queryable,
  workspaceId: string,
  appId: string,
  page: PageRequest,
): Promise<EnvVersionTable[]> {
  let query = db
    .selectFrom('env_version')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('app_id', '=', appId);
  if (page.after !== null) query = query.where('number', '<', Number(page.after.value));
  return query
    .orderBy('number', 'desc')
    .limit(page.limit + 1)
    .execute();
}

export async function insertEnvVersion(
  trx: Trx,
  version: EnvVersionTable,
  changes: readonly EnvChangeTable[],
): Promise<void> {
  await trx.insertInto('env_version').values(version).execute();
  for (let index = 0; index < changes.length; index += ROWS_PER_INSERT) {
    await trx
      .insertInto('env_change')
      .values(changes.slice(index, index + ROWS_PER_INSERT))
      .execute();
  }
}

/** Deletes the versions before `oldest`, except the values that are still current as of it. */
export async function pruneEnvVersions(trx: Trx, workspaceId: string, appId: string, oldest: number): Promise<void> {
  await trx
    .deleteFrom('env_version')
    .where('workspace_id', '=', workspaceId)
    .where('app_id', '=', appId)
    .where('number', '<', oldest)
    .execute();
  await sql`delete from env_change where workspace_id = ${workspaceId} and app_id = ${appId} and version < ${oldest}
    and version < (select max(version) from env_change as later
      where later.app_id = env_change.app_id and later.name = env_change.name and later.version <= ${oldest})`.execute(
    trx,
  );
}
