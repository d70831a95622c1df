import type { Queryable, Trx } from './store.ts';

interface FailureRow {
  /** The client's network (`clientNetwork`). */
  readonly address: string;
  readonly at: number;
}

export async function listRecentFailures(db: Queryable, subject: string, since: number): Promise<FailureRow[]> {
  return db
    .selectFrom('failure')
    .select(['address', 'at'])
    .where('subject', '=', subject)
    .where('at', '>', since)
    .orderBy('at')
    .execute();
}

/** Returns at most `limit` subjects that begin with `prefix` and have failed since `since`. */
export async function listRecentlyFailedSubjects(
  db: Queryable,
  prefix: string,
  since: number,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('failure')
    .select('subject')
    .distinct()
    .where('at', '>', since)
    .where('subject', 'like', `${prefix}%`)
    .limit(limit)
    .execute();
  return rows.map(({ subject }) => subject);
}

/**
 * Counts a failure if `isAllowed` accepts the subject's earlier failures since `since`. Returns those failures and
 * whether this one was counted. Locks the subject's row in `failure_gate` until the transaction ends, so that no other
 * node counts a failure of the subject concurrently.
 */
export async function countFailure(
  trx: Trx,
  subject: string,
  { address, at: failedAt }: FailureRow,
  since: number,
  isAllowed: (earlier: readonly FailureRow[]) => boolean,
): Promise<{ earlier: FailureRow[]; counted: boolean }> {
  await trx
    .insertInto('failure_gate')
    .values({ subject, at: failedAt })
    .onConflict((conflict) => conflict.column('subject').doUpdateSet({ at: failedAt }))
    .execute();
  const earlier = await listRecentFailures(trx, subject, since);
  const counted = isAllowed(earlier);
  if (counted) await trx.insertInto('failure').values({ subject, address, at: failedAt }).execute();
  return { earlier, counted };
}

export async function deleteOldFailures(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('failure').where('at', '<', before).execute();
  await trx.deleteFrom('failure_gate').where('at', '<', before).execute();
}
