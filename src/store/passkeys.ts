import { newestFirst, type PageRequest } from './paging.ts';
import type { PasskeyChallengeTable, PasskeyTable } from './schema/people.ts';
import type { Queryable, Trx } from './store.ts';

export type PasskeyRow = PasskeyTable;

export async function insertPasskey(trx: Trx, row: PasskeyRow): Promise<void> {
  await trx.insertInto('passkey').values(row).execute();
}

export async function listPasskeys(db: Queryable, personId: string, page: PageRequest): Promise<PasskeyRow[]> {
  const query = db.selectFrom('passkey').selectAll().where('person_id', '=', personId);
  return newestFirst(query, page).execute();
}

export async function findPasskey(db: Queryable, personId: string, id: string): Promise<PasskeyRow | undefined> {
  return db.selectFrom('passkey').selectAll().where('person_id', '=', personId).where('id', '=', id).executeTakeFirst();
}

/** Returns the passkey with an authenticator's credential ID if it was registered for this host name, or undefined. */
export async function findPasskeyByCredentialId(
  db: Queryable,
  credentialId: string,
  rpId: string,
): Promise<PasskeyRow | undefined> {
  return db
    .selectFrom('passkey')
    .selectAll()
    .where('credential_id', '=', credentialId)
    .where('rp_id', '=', rpId)
    .executeTakeFirst();
}

/** Whether anyone on the installation has a passkey. */
export async function hasPasskeys(db: Queryable): Promise<boolean> {
  return (await db.selectFrom('passkey').select('id').limit(1).executeTakeFirst()) !== undefined;
}

export async function countPasskeys(db: Queryable, personId: string): Promise<number> {
  const { count } = await db
    .selectFrom('passkey')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('person_id', '=', personId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function renamePasskey(trx: Trx, personId: string, id: string, name: string): Promise<void> {
  await trx.updateTable('passkey').set({ name }).where('person_id', '=', personId).where('id', '=', id).execute();
}

/** Deletes a passkey; returns true for exactly one caller. */
export async function deletePasskey(trx: Trx, personId: string, id: string): Promise<boolean> {
  const result = await trx
    .deleteFrom('passkey')
    .where('person_id', '=', personId)
    .where('id', '=', id)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/**
 * Records a use; returns false if the passkey was deleted or its counter did not increase (WebAuthn level 3, section
 * 7.2, step 22). Of two assertions with the same counter, exactly one is accepted, except if the authenticator has no
 * counter and always sends 0.
 */
export async function advancePasskey(
  trx: Trx,
  id: string,
  assertion: { readonly counter: number; readonly backedUp: boolean; readonly at: number },
): Promise<boolean> {
  const result = await trx
    .updateTable('passkey')
    .set({ counter: assertion.counter, backed_up: assertion.backedUp ? 1 : 0, last_used_at: assertion.at })
    .where('id', '=', id)
    .where((where) => (assertion.counter === 0 ? where('counter', '=', 0) : where('counter', '<', assertion.counter)))
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

export async function insertChallenge(trx: Trx, row: PasskeyChallengeTable): Promise<void> {
  await trx.insertInto('passkey_challenge').values(row).execute();
}

/** Returns the number of pending challenges of a client's network. */
export async function countChallenges(db: Queryable, address: string, now: number): Promise<number> {
  const { count } = await db
    .selectFrom('passkey_challenge')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('address', '=', address)
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Consumes a challenge of a person or, with null, of a sign-in; returns true for exactly one caller. */
export async function consumeChallenge(
  trx: Trx,
  digest: Uint8Array,
  personId: string | null,
  now: number,
): Promise<boolean> {
  const result = await trx
    .deleteFrom('passkey_challenge')
    .where('digest', '=', digest)
    .where('person_id', personId === null ? 'is' : '=', personId)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function deleteExpiredChallenges(trx: Trx, now: number): Promise<void> {
  await trx.deleteFrom('passkey_challenge').where('expires_at', '<=', now).execute();
}
