import { sql } from 'kysely';
import type { PageAsk } from './paging.ts';
import type { RunTable, ScriptTable, ScriptVersionTable } from './schema.ts';
import { locking, type Queryable, type Trx } from './store.ts';

export async function insertScriptVersion(trx: Trx, version: ScriptVersionTable): Promise<void> {
  await trx.insertInto('script_version').values(version).execute();
}

/** Versions newest first, one beyond the limit. */
export async function listScriptVersions(
  db: Queryable,
  workspaceId: string,
  scriptId: string,
  page: PageAsk,
): Promise<ScriptVersionTable[]> {
  let query = db
    .selectFrom('script_version')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('script_id', '=', scriptId);
  if (page.after !== null) query = query.where('number', '<', Number(page.after.value));
  return query
    .orderBy('number', 'desc')
    .limit(page.limit + 1)
    .execute();
}

export async function findScriptVersion(
  db: Queryable,
  workspaceId: string,
  scriptId: string,
  number: number,
): Promise<ScriptVersionTable | undefined> {
  return db
    .selectFrom('script_version')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('script_id', '=', scriptId)
    .where('number', '=', number)
    .executeTakeFirst();
}

/** Forgets the versions before `oldest` that no run under way needs. */
export async function forgetScriptVersions(
  trx: Trx,
  workspaceId: string,
  scriptId: string,
  oldest: number,
): Promise<void> {
  await trx
    .deleteFrom('script_version')
    .where('workspace_id', '=', workspaceId)
    .where('script_id', '=', scriptId)
    .where('number', '<', oldest)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('run')
            .select('run.id')
            .whereRef('run.script_id', '=', 'script_version.script_id')
            .whereRef('run.script_version', '=', 'script_version.number')
            .where('run.status', 'in', ['pending', 'processing']),
        ),
      ),
    )
    .execute();
}

/** Scripts whose time has come, the longest due first, in every workspace. */
export async function dueScripts(
  db: Queryable,
  now: number,
  limit: number,
): Promise<{ id: string; workspace_id: string }[]> {
  return db
    .selectFrom('script')
    .select(['id', 'workspace_id'])
    .where('next_run_at', '<=', now)
    .orderBy('next_run_at')
    .limit(limit)
    .execute();
}

/** A script, held until the transaction ends: of several nodes one sees that it is due. */
export async function lockScript(trx: Trx, workspaceId: string, id: string): Promise<ScriptTable | undefined> {
  const query = trx.selectFrom('script').selectAll().where('workspace_id', '=', workspaceId).where('id', '=', id);
  return locking(trx, query, 'script').executeTakeFirst();
}

export async function setNextRun(trx: Trx, workspaceId: string, id: string, at: number | null): Promise<void> {
  await trx
    .updateTable('script')
    .set({ next_run_at: at })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .execute();
}

// Runs

export async function insertRun(trx: Trx, row: RunTable): Promise<void> {
  await trx.insertInto('run').values(row).execute();
}

export async function findRun(db: Queryable, workspaceId: string, id: string): Promise<RunTable | undefined> {
  return db
    .selectFrom('run')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** A script's runs newest first, one beyond the limit. */
export async function listRuns(
  db: Queryable,
  workspaceId: string,
  scriptId: string,
  status: string | undefined,
  page: PageAsk,
): Promise<RunTable[]> {
  let query = db
    .selectFrom('run')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('script_id', '=', scriptId);
  if (status !== undefined) query = query.where('status', '=', status);
  if (page.after !== null) {
    query = query.where(sql<boolean>`(created_at, id) < (${page.after.value}, ${page.after.id})`);
  }
  return query
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute();
}

/** How many of a script's runs are in one of these states; `scheduledOnly`: of those that a schedule began. */
export async function countRuns(
  db: Queryable,
  workspaceId: string,
  scriptId: string,
  statuses: readonly string[],
  scheduledOnly = false,
): Promise<number> {
  let query = db
    .selectFrom('run')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('workspace_id', '=', workspaceId)
    .where('script_id', '=', scriptId)
    .where('status', 'in', [...statuses]);
  if (scheduledOnly) query = query.where('scheduled_for', 'is not', null);
  return Number((await query.executeTakeFirstOrThrow()).count);
}

export type RunChange = Partial<
  Pick<RunTable, 'status' | 'exit_code' | 'error' | 'started_at' | 'finished_at' | 'updated_at'>
>;

/** Changes a run that is in one of these states; false where it is not, so that an end is never overwritten. */
export async function changeRun(
  trx: Trx,
  workspaceId: string,
  id: string,
  from: readonly string[],
  change: RunChange,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('run')
    .set(change)
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .where('status', 'in', [...from])
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function deleteOldRuns(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('run').where('finished_at', '<', before).execute();
}
