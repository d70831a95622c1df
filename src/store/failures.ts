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

export async function insertFailure(trx: Trx, subject: string, address: string, at: number): Promise<void> {
  await trx.insertInto('failure').values({ subject, address, at }).execute();
}

export async function deleteOldFailures(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('failure').where('at', '<', before).execute();
}
