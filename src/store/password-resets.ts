import type { Queryable, Trx } from './store.ts';

export async function insertPasswordReset(
  trx: Trx,
  row: { digest: Uint8Array; person_id: string; created_at: number; expires_at: number },
): Promise<void> {
  await trx.insertInto('password_reset').values(row).execute();
}

/** Returns the number of a person's unexpired codes. */
export async function countPasswordResets(trx: Trx, personId: string, now: number): Promise<number> {
  const { count } = await trx
    .selectFrom('password_reset')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('person_id', '=', personId)
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Returns the person whose password a code resets, or undefined if the code is unknown or expired. */
export async function findPasswordReset(
  db: Queryable,
  digest: Uint8Array,
  now: number,
): Promise<{ person_id: string } | undefined> {
  return db
    .selectFrom('password_reset')
    .select('person_id')
    .where('digest', '=', digest)
    .where('expires_at', '>', now)
    .executeTakeFirst();
}

/** Consumes a code; returns true for exactly one caller. */
export async function consumePasswordReset(trx: Trx, digest: Uint8Array, now: number): Promise<boolean> {
  const result = await trx
    .deleteFrom('password_reset')
    .where('digest', '=', digest)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function deleteExpiredPasswordResets(trx: Trx, now: number): Promise<void> {
  await trx.deleteFrom('password_reset').where('expires_at', '<=', now).execute();
}
