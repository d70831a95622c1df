import { newestFirst, type PageRequest } from './paging.ts';
import type { RunTable, ScriptVersionTable } from './schema/scripts.ts';
import type { Queryable, Trx } from './store.ts';

export async function insertScriptVersion(trx: Trx, version: ScriptVersionTable): Promise<void> {
  await trx.insertInto('script_version').values(version).execute();
}

/** Returns a page of a script's versions, newest first, up to one more than the limit. */
export async function listScriptVersions(
  db: Queryable,
  workspaceId: string,
  scriptId: string,
  page: PageRequest,
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

/** Deletes the versions of a script with a lower number than `oldestToKeep`, except those that unfinished runs need. */
export async function pruneScriptVersions(
  trx: Trx,
  workspaceId: string,
  scriptId: string,
  oldestToKeep: number,
): Promise<void> {
  await trx
    .deleteFrom('script_version')
    .where('workspace_id', '=', workspaceId)
    .where('script_id', '=', scriptId)
    .where('number', '<', oldestToKeep)
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

// Runs

export async function insertRun(trx: Trx, row: RunTable): Promise<void> {
  await trx.insertInto('run').values(row).execute();
}

/** Returns a page of a script's runs, newest first, up to one more than the limit. */
export async function listRuns(
  db: Queryable,
  workspaceId: string,
  scriptId: string,
  status: string | undefined,
  page: PageRequest,
): Promise<RunTable[]> {
  let query = db
    .selectFrom('run')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('script_id', '=', scriptId);
  if (status !== undefined) query = query.where('status', '=', status);
  return newestFirst(query, page).execute();
}

/**
 * Returns the number of a script's runs with these statuses; with `scheduledOnly`, only of scheduled runs.
 */
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

/** Maximum number of runs that `pruneRuns` deletes at a time, so that other writers wait only briefly. */
const RUNS_PER_PRUNING = 100;

/**
 * Deletes up to `RUNS_PER_PRUNING` finished runs of a script, with their logs. Keeps `maxRuns` finished runs: the run
 * that just ended and the newest others.
 */
export async function pruneRuns(
  trx: Trx,
  { id: endedId, workspace_id: workspaceId, script_id: scriptId }: RunTable,
  maxRuns: number,
): Promise<void> {
  const oldRuns = await trx
    .selectFrom('run')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('script_id', '=', scriptId)
    .where('finished_at', 'is not', null)
    .where('id', '!=', endedId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(RUNS_PER_PRUNING)
    .offset(maxRuns - 1)
    .execute();
  if (oldRuns.length === 0) return;
  const ids = oldRuns.map(({ id }) => id);
  for (const table of ['log', 'run'] as const)
    await trx.deleteFrom(table).where('workspace_id', '=', workspaceId).where('id', 'in', ids).execute();
}

/** Deletes the runs of all workspaces that finished before `before` (epoch milliseconds). Used only by housekeeping. */
export async function deleteOldRuns(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('run').where('finished_at', '<', before).execute();
}
