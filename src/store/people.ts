import type { Generated, Insertable, Selectable } from 'kysely';
import { sql } from 'kysely';
import { newestFirst, type PageRequest } from './paging.ts';
import type { PersonTable, SessionTable } from './schema/people.ts';
import { type Queryable, type Store, type Trx, withRowLock } from './store.ts';

export type PersonRow = Selectable<PersonTable>;
export type SessionRow = SessionTable;

/** Stores the digest of a new setup code, replacing any earlier one. */
export async function replaceSetupCode(trx: Trx, digest: Uint8Array): Promise<void> {
  await trx
    .insertInto('setup_code')
    .values({ id: 1, digest })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ digest }))
    .execute();
}

/** Consumes the setup code with this digest; returns true for exactly one caller. */
export async function consumeSetupCode(trx: Trx, digest: Uint8Array): Promise<boolean> {
  const result = await trx.deleteFrom('setup_code').where('digest', '=', digest).executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function deleteSetupCode(trx: Trx): Promise<void> {
  await trx.deleteFrom('setup_code').execute();
}

/**
 * Acquires a lock that serializes first sign-ups across all nodes. The lock is held until the transaction ends. It is
 * the row of the revocation counter, because there is no person to lock yet.
 */
export async function lockFirstSignUp(trx: Trx): Promise<void> {
  await withRowLock(trx, trx.selectFrom('revocation_counter').select('id'), 'revocation_counter').execute();
}

export async function hasAnyPerson(db: Queryable): Promise<boolean> {
  return (await db.selectFrom('person').select('id').limit(1).executeTakeFirst()) !== undefined;
}

export async function insertPerson(trx: Trx, row: Insertable<PersonTable>): Promise<void> {
  await trx.insertInto('person').values(row).execute();
}

export async function findPersonByEmail(db: Queryable, emailKey: string): Promise<PersonRow | undefined> {
  return db.selectFrom('person').selectAll().where('email_key', '=', emailKey).executeTakeFirst();
}

export async function findPerson(db: Queryable, id: string): Promise<PersonRow | undefined> {
  return db.selectFrom('person').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Locks a person's row until the transaction ends and returns it, or undefined if there is none. */
export async function lockPerson(trx: Trx, id: string): Promise<PersonRow | undefined> {
  return withRowLock(trx, trx.selectFrom('person').selectAll().where('id', '=', id), 'person').executeTakeFirst();
}

type PersonFields = {
  [Field in
    | 'name'
    | 'password_hash'
    | 'totp_sealed'
    | 'totp_enabled'
    | 'totp_last_step'
    | 'operator'
    | 'disabled'
    | 'updated_at']?: (PersonTable[Field] extends Generated<infer Value> ? Value : PersonTable[Field]) | undefined;
};
export async function updatePerson(trx: Trx, id: string, fields: PersonFields): Promise<void> {
  await trx.updateTable('person').set(fields).where('id', '=', id).execute();
}

export async function setLastWorkspace(trx: Trx, personId: string, workspaceId: string): Promise<void> {
  await trx.updateTable('person').set({ last_workspace_id: workspaceId }).where('id', '=', personId).execute();
}

/** Accepts a TOTP time step if it is later than every accepted one; returns true for exactly one caller. */
export async function advanceTotpStep(trx: Trx, personId: string, step: number): Promise<boolean> {
  const result = await trx
    .updateTable('person')
    .set({ totp_last_step: step })
    .where('id', '=', personId)
    .where('totp_last_step', '<', step)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

export async function replaceRecoveryCodes(trx: Trx, personId: string, digests: readonly Uint8Array[]): Promise<void> {
  await trx.deleteFrom('recovery_code').where('person_id', '=', personId).execute();
  if (digests.length === 0) return;
  await trx
    .insertInto('recovery_code')
    .values(digests.map((digest) => ({ person_id: personId, digest })))
    .execute();
}

/** Consumes a recovery code; returns true for exactly one caller. */
export async function consumeRecoveryCode(trx: Trx, personId: string, digest: Uint8Array): Promise<boolean> {
  const result = await trx
    .deleteFrom('recovery_code')
    .where('person_id', '=', personId)
    .where('digest', '=', digest)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function countRecoveryCodes(db: Queryable, personId: string): Promise<number> {
  const { count } = await db
    .selectFrom('recovery_code')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('person_id', '=', personId)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function insertSession(trx: Trx, row: SessionRow): Promise<void> {
  await trx.insertInto('session').values(row).execute();
}

/**
 * Deletes one session of a person by its ID or, with null, all of them, but never `exceptSessionId`. Returns the IDs of
 * the deleted sessions.
 */
export async function deleteSessions(
  trx: Trx,
  personId: string,
  id: string | null,
  exceptSessionId: string | null,
): Promise<string[]> {
  let query = trx.deleteFrom('session').where('person_id', '=', personId);
  if (id !== null) query = query.where('id', '=', id);
  if (exceptSessionId !== null) query = query.where('id', '!=', exceptSessionId);
  const rows = await query.returning('id').execute();
  return rows.map((row) => row.id);
}

export async function findSessionByDigest(
  db: Queryable,
  digest: Uint8Array,
): Promise<{ id: string; person_id: string } | undefined> {
  return db.selectFrom('session').select(['id', 'person_id']).where('digest', '=', digest).executeTakeFirst();
}

/** Replaces the secret of a session; the old one stops working when the transaction commits. */
export async function replaceSessionDigest(trx: Trx, personId: string, id: string, digest: Uint8Array): Promise<void> {
  await trx.updateTable('session').set({ digest }).where('person_id', '=', personId).where('id', '=', id).execute();
}

/** Records the last use of sessions, in epoch milliseconds by session ID. */
export async function touchSessions(trx: Trx, lastUses: ReadonlyMap<string, number>): Promise<void> {
  for (const [id, lastUsedAt] of lastUses) {
    await trx.updateTable('session').set({ last_used_at: lastUsedAt }).where('id', '=', id).execute();
  }
}

export async function listSessions(
  db: Queryable,
  personId: string,
  activity: { readonly now: number; readonly idleMs: number },
  page: PageRequest,
): Promise<SessionRow[]> {
  const query = db
    .selectFrom('session')
    .selectAll()
    .where('person_id', '=', personId)
    .where('ends_at', '>', activity.now)
    .where('last_used_at', '>', activity.now - activity.idleMs);
  return newestFirst(query, page).execute();
}

export async function deleteEndedSessions(trx: Trx, now: number, idleMs: number): Promise<void> {
  await trx
    .deleteFrom('session')
    .where((where) => where.or([where('ends_at', '<=', now), where('last_used_at', '<=', now - idleMs)]))
    .execute();
}

/** Deletes a person's least recently used sessions beyond the maximum, but at most 1,000 per call. */
export async function deleteLeastRecentlyUsedSessions(trx: Trx, personId: string, maxSessions: number): Promise<void> {
  // SQLite requires a limit before an offset.
  await sql`delete from session where id in (select id from (select id from session where person_id = ${personId}
    order by last_used_at desc, id desc limit 1000 offset ${maxSessions}) as older)`.execute(trx);
}

/**
 * Records that a person signed in from an address, so that other people's failed attempts do not lock the person out
 * there.
 */
export async function upsertKnownAddress(trx: Trx, personId: string, address: string, seenAt: number): Promise<void> {
  await trx
    .insertInto('known_address')
    .values({ person_id: personId, address, last_seen_at: seenAt })
    .onConflict((conflict) => conflict.columns(['person_id', 'address']).doUpdateSet({ last_seen_at: seenAt }))
    .execute();
}

export async function isKnownAddress(
  db: Queryable,
  personId: string,
  address: string,
  since: number,
): Promise<boolean> {
  const row = await db
    .selectFrom('known_address')
    .select('address')
    .where('person_id', '=', personId)
    .where('address', '=', address)
    .where('last_seen_at', '>', since)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * A session with its person, the requested workspace if it exists and, if the person is a member of it, the membership.
 */
export interface SignedInPersonRow {
  readonly session_id: string;
  readonly session_kind: string;
  readonly last_used_at: number;
  readonly ends_at: number;
  readonly person_id: string;
  readonly person_name: string;
  readonly person_email: string;
  readonly person_operator: number;
  readonly last_workspace_id: string | null;
  readonly workspace_id: string | null;
  readonly workspace_name: string | null;
  readonly workspace_slug: string | null;
  readonly member_id: string | null;
  readonly role: string | null;
  /**
   * 1 if the workspace requires two-factor authentication, the person has not turned it on, and the session was not
   * started with multiple factors at the provider.
   */
  readonly needs_second_factor: number;
  /**
   * 1 if the session was started at the provider, with an operator's link, or by a device approved in such a session.
   */
  readonly without_password: number;
}

const BY_SESSION_DIGEST = `select s.id as session_id, s.kind as session_kind, s.last_used_at, s.ends_at,
    p.id as person_id, p.name as person_name, p.email as person_email, p.operator as person_operator, p.last_workspace_id,
    w.id as workspace_id, w.name as workspace_name, w.slug as workspace_slug, m.id as member_id, m.role,
    case when policy.require_two_factor = 1 and p.totp_enabled = 0 and coalesce(si.multi_factor, 0) = 0 then 1 else 0 end
      as needs_second_factor,
    case when si.session_id is null then 0 else 1 end as without_password
  from session s
  join person p on p.id = s.person_id
  left join session_sign_in si on si.session_id = s.id
  left join workspace w on w.id = coalesce(?, p.last_workspace_id) or w.slug = ?
  left join member m on m.workspace_id = w.id and m.person_id = p.id
  left join workspace_policy policy on policy.workspace_id = m.workspace_id
  where s.digest = ? and p.disabled = 0`;

/**
 * Returns a session, which may have ended, and its person, or undefined if there is no such session or the person is
 * disabled. One indexed read. `workspace` is an ID or slug, or null for the workspace that the person used last.
 */
export function findSignedInPerson(
  store: Store,
  digest: Uint8Array,
  workspace: string | null,
): Promise<SignedInPersonRow | undefined> {
  return store.queryFirst<SignedInPersonRow>(BY_SESSION_DIGEST, [workspace, workspace, digest]);
}

export async function deleteOldKnownAddresses(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('known_address').where('last_seen_at', '<', before).execute();
}
