import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { InstallationTable } from './schema.ts';
import type { Queryable, Trx } from './store.ts';

const INSTALLATION_ID = 1;

export async function findInstallation(db: Queryable): Promise<Selectable<InstallationTable> | undefined> {
  return db.selectFrom('installation').selectAll().where('id', '=', INSTALLATION_ID).executeTakeFirst();
}

/** Returns the installation's row, creating it if it does not exist; safe on concurrent nodes. */
export async function ensureInstallation(trx: Trx): Promise<Selectable<InstallationTable>> {
  await trx
    .insertInto('installation')
    .values({
      id: INSTALLATION_ID,
      store_id: randomUUID(),
      secret_check: null,
      starts: 0,
      clean: 1,
      rights_counted_since: Date.now(),
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  return trx.selectFrom('installation').selectAll().where('id', '=', INSTALLATION_ID).executeTakeFirstOrThrow();
}

/**
 * Stores the sealed value that only the installation's secret decrypts. With `onlyIfUnset`, an existing value is not
 * replaced.
 */
export async function setSecretCheck(trx: Trx, sealed: string, onlyIfUnset: boolean): Promise<void> {
  let query = trx.updateTable('installation').set({ secret_check: sealed }).where('id', '=', INSTALLATION_ID);
  if (onlyIfUnset) query = query.where('secret_check', 'is', null);
  await query.execute();
}

/**
 * Records that a process has opened the embedded store. Until the store is closed, the database file without its
 * write-ahead log can be incomplete.
 */
export async function recordOpening(trx: Trx): Promise<{ store_id: string; starts: number }> {
  await ensureInstallation(trx);
  return trx
    .updateTable('installation')
    .set(({ eb }) => ({ starts: eb('starts', '+', 1), clean: 0 }))
    .where('id', '=', INSTALLATION_ID)
    .returning(['store_id', 'starts'])
    .executeTakeFirstOrThrow();
}

/** Records that the database file of the embedded store is complete. This must be the last write to it. */
export async function recordCleanStop(trx: Trx): Promise<void> {
  await trx.updateTable('installation').set({ clean: 1 }).where('id', '=', INSTALLATION_ID).execute();
}

/** Writes to the store without changing a value: `clean` is already 0 while the store is open. */
export async function writeProbe(trx: Trx): Promise<void> {
  await trx.updateTable('installation').set({ clean: 0 }).where('id', '=', INSTALLATION_ID).execute();
}
