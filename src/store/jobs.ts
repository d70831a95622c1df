import { sql } from 'kysely';
import { DATABASE_CLOCK } from './lease-tables.ts';
import type { JobLaneTable, JobTable } from './schema/jobs.ts';
import { engineOf, type Queryable, type Trx, withRowLock } from './store.ts';

/**
 * Returns the current time for leases, in epoch milliseconds. On PostgreSQL it is the database's time, so that nodes
 * agree. On the embedded store it is `now`, because its only process never loses a lease while it runs.
 */
export async function readLeaseClock(db: Queryable, now: number): Promise<number> {
  if (engineOf(db) === 'sqlite') return now;
  const { rows } = await sql<{ now: number }>`select ${sql.raw(DATABASE_CLOCK)} as now`.execute(db);
  return rows[0]?.now ?? now;
}

export async function insertJob(trx: Trx, job: JobTable, lanes: readonly JobLaneTable[]): Promise<void> {
  await trx.insertInto('job').values(job).execute();
  if (lanes.length > 0) await trx.insertInto('job_lane').values(lanes).execute();
}

/** Locks a job of the workspace until the transaction ends and returns it, or undefined if it does not exist. */
export async function lockJob(trx: Trx, workspaceId: string, id: string): Promise<JobTable | undefined> {
  return withRowLock(
    trx,
    trx.selectFrom('job').selectAll().where('workspace_id', '=', workspaceId).where('id', '=', id),
    'job',
  ).executeTakeFirst();
}

/** Locks the unfinished job of a resource until the transaction ends and returns it, or undefined if there is none. */
export async function lockUnfinishedJob(
  trx: Trx,
  workspaceId: string,
  resourceId: string,
): Promise<JobTable | undefined> {
  return withRowLock(
    trx,
    trx
      .selectFrom('job')
      .selectAll()
      .where('workspace_id', '=', workspaceId)
      .where('resource_id', '=', resourceId)
      .where('status', 'in', ['waiting', 'running']),
    'job',
  ).executeTakeFirst();
}

/** Which jobs a node may claim: jobs of these kinds, except in workspaces that have used up their share of the node. */
export interface JobSelection {
  readonly kinds: readonly string[];
  readonly excludedWorkspaceIds: readonly string[];
}

/**
 * Returns the SQL condition for claimable jobs: due, with free capacity in each of their lanes, and first in the queue
 * of each exclusive lane (a lane with the capacity 1).
 */
function claimableCondition(now: number, { kinds, excludedWorkspaceIds }: JobSelection) {
  const inOtherWorkspace =
    excludedWorkspaceIds.length === 0 ? sql`` : sql`and j.workspace_id not in (${sql.join(excludedWorkspaceIds)})`;
  return sql`j.status = 'waiting' and j.run_at <= ${now} and j.kind in (${sql.join(kinds)}) ${inOtherWorkspace}
    and not exists (
      select 1 from job_lane as l where l.job_id = j.id and (
        (select count(*) from job_lane as other
          where other.lane = l.lane and other.held = 1 and other.job_id <> j.id) >= l.capacity
        or (l.capacity = 1 and l.held = 0 and exists (
          select 1 from job_lane as earlier inner join job as first on first.id = earlier.job_id
          where earlier.lane = l.lane and first.status = 'waiting' and first.run_at <= ${now}
            and (earlier.created_at < l.created_at
              or (earlier.created_at = l.created_at and earlier.job_id < l.job_id))
        ))
      )
    )`;
}

/** Returns whether there seems to be a job to claim or a job whose node is lost. Locks nothing. */
export async function hasClaimableJob(
  db: Queryable,
  selection: JobSelection,
  isHeld: (row: JobTable) => boolean,
  now: number,
): Promise<boolean> {
  if (selection.kinds.length === 0) return false;
  const { rows } = await sql`select 1 from job as j where ${claimableCondition(now, selection)} limit 1`.execute(db);
  return rows.length > 0 || (await findLostJobs(db, selection.kinds, isHeld, now)).length > 0;
}

/**
 * Claims a job for `owner`: the oldest claimable job of the workspace with the fewest running jobs on all nodes.
 * Returns undefined if there is none. Locks the row in `job_gate`, so that only one node at a time counts lane
 * capacity.
 */
export async function claimJob(
  trx: Trx,
  selection: JobSelection,
  owner: string,
  leaseMs: number,
  now: number,
): Promise<JobTable | undefined> {
  const isPostgres = engineOf(trx) === 'postgres';
  if (isPostgres) await sql`select id from job_gate where id = 1 for update`.execute(trx);
  const { rows } = await sql<JobTable>`select j.* from job as j
    left join (select workspace_id, count(*) as running from job where status = 'running' group by workspace_id) as busy
      on busy.workspace_id = j.workspace_id
    where ${claimableCondition(now, selection)}
    order by coalesce(busy.running, 0), j.created_at, j.id limit 1 ${isPostgres ? sql`for update of j skip locked` : sql``}`.execute(
    trx,
  );
  const [job] = rows;
  if (job === undefined) return undefined;
  const claimed = {
    status: 'running',
    owner,
    lease_until: (await readLeaseClock(trx, now)) + leaseMs,
    attempt: job.attempt + 1,
    started_at: job.started_at ?? now,
  };
  await trx
    .updateTable('job')
    .set(claimed)
    .where('workspace_id', '=', job.workspace_id)
    .where('id', '=', job.id)
    .execute();
  await trx
    .updateTable('job_lane')
    .set({ held: 1 })
    .where('workspace_id', '=', job.workspace_id)
    .where('job_id', '=', job.id)
    .execute();
  return { ...job, ...claimed };
}

/**
 * Returns jobs whose node is lost. On PostgreSQL, that is one job whose lease has expired; on the embedded store, all
 * running jobs that this process does not hold.
 */
async function findLostJobs(
  db: Queryable,
  kinds: readonly string[],
  isHeld: (row: JobTable) => boolean,
  now: number,
): Promise<JobTable[]> {
  // Kinds unknown to this version are left for newer nodes to take over.
  const running = db.selectFrom('job').selectAll().where('status', '=', 'running').where('kind', 'in', kinds);
  if (engineOf(db) === 'sqlite') return (await running.execute()).filter((row) => !isHeld(row));
  const expired = running.where('lease_until', '<', await readLeaseClock(db, now)).limit(1);
  return 'isTransaction' in db && db.isTransaction ? expired.forUpdate().skipLocked().execute() : expired.execute();
}

/**
 * Returns a job whose node is lost, and locks it until the transaction ends. Skips jobs that other nodes have locked.
 */
export async function lockLostJob(
  trx: Trx,
  kinds: readonly string[],
  isHeld: (row: JobTable) => boolean,
  now: number,
): Promise<JobTable | undefined> {
  return (await findLostJobs(trx, kinds, isHeld, now))[0];
}

/**
 * Renews the leases of jobs. Returns the jobs that `owner` still owns; `cancel` is the reason why a job must end, or
 * null.
 */
export async function renewLeases(
  trx: Trx,
  owner: string,
  ids: readonly string[],
  leaseMs: number,
  now: number,
): Promise<{ id: string; attempt: number; cancel: string | null }[]> {
  if (ids.length === 0) return [];
  const until = (await readLeaseClock(trx, now)) + leaseMs;
  return trx
    .updateTable('job')
    .set({ lease_until: until })
    .where('status', '=', 'running')
    .where('owner', '=', owner)
    .where('id', 'in', ids)
    .returning(['id', 'attempt', 'cancel'])
    .execute();
}

/** Locks a job and returns it if `owner` still runs it in this attempt, otherwise undefined. */
export async function lockOwnedJob(
  trx: Trx,
  job: Pick<JobTable, 'workspace_id' | 'id' | 'attempt'>,
  owner: string,
): Promise<JobTable | undefined> {
  const row = await lockJob(trx, job.workspace_id, job.id);
  return row?.status === 'running' && row.owner === owner && row.attempt === job.attempt ? row : undefined;
}

/**
 * Updates a job and its use of lanes: `keep` changes nothing, `free` frees all of them, `keep-exclusive` frees all
 * except exclusive lanes, and `leave` removes the job from its lanes.
 */
export async function updateJob(
  trx: Trx,
  { workspace_id, id }: Pick<JobTable, 'workspace_id' | 'id'>,
  set: Partial<Omit<JobTable, 'id' | 'workspace_id'>>,
  lanes: 'keep' | 'free' | 'keep-exclusive' | 'leave',
): Promise<void> {
  await trx.updateTable('job').set(set).where('workspace_id', '=', workspace_id).where('id', '=', id).execute();
  if (lanes === 'keep') return;
  if (lanes === 'leave') {
    await trx.deleteFrom('job_lane').where('workspace_id', '=', workspace_id).where('job_id', '=', id).execute();
    return;
  }
  let query = trx
    .updateTable('job_lane')
    .set({ held: 0 })
    .where('workspace_id', '=', workspace_id)
    .where('job_id', '=', id);
  // Exclusive lanes stay held, so that no other job runs before this one runs again.
  if (lanes === 'keep-exclusive') query = query.where('capacity', '>', 1);
  await query.execute();
}

/** Counts waiting and running jobs on all nodes; `dueSince` is when the longest-waiting due job became due. */
export async function countJobs(
  db: Queryable,
  now: number,
): Promise<{ waiting: number; running: number; dueSince: number | null }> {
  const { rows } = await sql<{ status: string; count: number; due: number | null }>`select status, count(*) as count,
    min(case when run_at <= ${now} then run_at end) as due
    from job where status in ('waiting', 'running') group by status`.execute(db);
  const findRow = (status: string) => rows.find((row) => row.status === status);
  return {
    waiting: findRow('waiting')?.count ?? 0,
    running: findRow('running')?.count ?? 0,
    dueSince: findRow('waiting')?.due ?? null,
  };
}

export async function deleteOldJobs(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('job').where('finished_at', '<', before).execute();
}
