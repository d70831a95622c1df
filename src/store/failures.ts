import type { Queryable, Trx } from './store.ts';

export async function recentFailures(
  db: Queryable,
  subject: string,
  since: number,
): Promise<{ address: string; at: number }[]> {
  return db
    .selectFrom('failure')
    .select(['address', 'at'])
    .where('subject', '=', subject)
    .where('at', '>', since)
    .orderBy('at')
    .execute();
}

/** Whom failures since `since` were of, among subjects that begin with `prefix`; at most `limit`. */
export async function failedSince(db: Queryable, prefix: string, since: number, limit: number): Promise<string[]> {
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

export async function insertFailure(trx: Trx, subject: string, address: string, at: number): Promise<void> {
  await trx.insertInto('failure').values({ subject, address, at }).execute();
}

export async function deleteOldFailures(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('failure').where('at', '<', before).execute();
}
