import { sql } from 'kysely';
import { HOUR, SECOND } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { QUOTAS, type Quota, type QuotaName } from '../contract/quotas.ts';
import type { Trx } from './store.ts';

/** Returns the `quota_exceeded` problem of a quota, with the seconds until its window ends if it has one. */
export function quotaExceeded(name: QuotaName, now: number): Problem {
  const { max, windowMs, per, unit }: Quota = QUOTAS[name];
  const window = windowMs === null ? '' : ` in ${windowMs / HOUR} hours`;
  const detail = `The quota of ${max.toLocaleString('en')} ${unit}${window} per ${per} has been reached.`;
  if (windowMs === null) return new Problem('quota_exceeded', detail);
  return new Problem('quota_exceeded', detail, { retryAfter: Math.ceil((windowMs - (now % windowMs)) / SECOND) });
}

/**
 * Consumes `count` units of a windowed quota, in the transaction that adds the counted items. Returns false if that
 * exceeds the quota; the units are counted nevertheless. The row stays locked until the transaction ends.
 */
export async function tryConsumeQuota(
  trx: Trx,
  name: QuotaName,
  subject: string,
  now: number,
  count = 1,
): Promise<boolean> {
  const { max, windowMs }: Quota = QUOTAS[name];
  const row = { subject, quota: name, period: Math.floor(now / (windowMs ?? 1)), used: count };
  const { used } = await trx
    .insertInto('quota_use')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['subject', 'quota']).doUpdateSet({
        used: sql<number>`case when quota_use.period = excluded.period then quota_use.used else 0 end + excluded.used`,
        period: sql<number>`excluded.period`,
      }),
    )
    .returning('used')
    .executeTakeFirstOrThrow();
  return used <= max;
}

/** Consumes `count` units of a quota. Throws `quota_exceeded`, which rolls the transaction back. */
export async function consumeQuota(trx: Trx, name: QuotaName, subject: string, now: number, count = 1): Promise<void> {
  if (!(await tryConsumeQuota(trx, name, subject, now, count))) throw quotaExceeded(name, now);
}

/** Throws `quota_exceeded` if the workspace has the maximum number of waiting jobs. */
export async function checkWaitingJobs(trx: Trx, workspaceId: string, now: number): Promise<void> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from job
    where workspace_id = ${workspaceId} and status = 'waiting'`.execute(trx);
  if (Number(rows[0]?.count ?? 0) >= QUOTAS.waitingJobs.max) throw quotaExceeded('waitingJobs', now);
}

/** Throws `quota_exceeded` if the person owns the maximum number of workspaces. */
export async function checkOwnedWorkspaces(trx: Trx, personId: string, now: number): Promise<void> {
  const { count } = await trx
    .selectFrom('member')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('person_id', '=', personId)
    .where('role', '=', 'owner')
    .executeTakeFirstOrThrow();
  if (Number(count) >= QUOTAS.workspaces.max) throw quotaExceeded('workspaces', now);
}

/** Deletes the counts of past windows. Used only by housekeeping. */
export async function deleteOldQuotaUses(trx: Trx, now: number): Promise<void> {
  for (const [quota, { windowMs }] of Object.entries<Quota>(QUOTAS)) {
    if (windowMs === null) continue;
    await trx
      .deleteFrom('quota_use')
      .where('quota', '=', quota)
      .where('period', '<', Math.floor(now / windowMs))
      .execute();
  }
}
