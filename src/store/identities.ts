import type { Selectable } from 'kysely';
import type { PersonIdentityTable, SessionSignInTable } from './schema/people.ts';
import { isUniqueViolation, type Queryable, type Trx } from './store.ts';

export type IdentityRow = Selectable<PersonIdentityTable>;

export async function findIdentity(db: Queryable, issuer: string, subject: string): Promise<IdentityRow | undefined> {
  return db
    .selectFrom('person_identity')
    .selectAll()
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst();
}

/** Returns the identities of a person, at most 100. */
export async function listIdentities(db: Queryable, personId: string): Promise<IdentityRow[]> {
  return db
    .selectFrom('person_identity')
    .selectAll()
    .where('person_id', '=', personId)
    .orderBy('created_at')
    .orderBy('id')
    .limit(100)
    .execute();
}

/** Inserts an identity; returns false if the issuer's subject is already linked to a person. */
export async function insertIdentity(trx: Trx, row: IdentityRow): Promise<boolean> {
  try {
    await trx.insertInto('person_identity').values(row).execute();
    return true;
  } catch (error) {
    if (isUniqueViolation(error)) return false;
    throw error;
  }
}

export async function updateIdentity(
  trx: Trx,
  id: string,
  fields: { email: string | null; last_used_at: number },
): Promise<void> {
  await trx.updateTable('person_identity').set(fields).where('id', '=', id).execute();
}

/** Deletes an identity of a person; returns the row for exactly one caller. */
export async function deleteIdentity(trx: Trx, personId: string, id: string): Promise<IdentityRow | undefined> {
  return trx
    .deleteFrom('person_identity')
    .where('id', '=', id)
    .where('person_id', '=', personId)
    .returningAll()
    .executeTakeFirst();
}

export async function insertSessionSignIn(trx: Trx, row: SessionSignInTable): Promise<void> {
  await trx.insertInto('session_sign_in').values(row).execute();
}

export async function findSessionSignIn(db: Queryable, sessionId: string): Promise<SessionSignInTable | undefined> {
  return db.selectFrom('session_sign_in').selectAll().where('session_id', '=', sessionId).executeTakeFirst();
}

/** Returns whether a person has a session that was started with multiple factors at the provider. */
export async function hasMultiFactorSession(db: Queryable, personId: string): Promise<boolean> {
  const row = await db
    .selectFrom('session_sign_in')
    .innerJoin('session', 'session.id', 'session_sign_in.session_id')
    .select('session.id')
    .where('session.person_id', '=', personId)
    .where('session_sign_in.multi_factor', '=', 1)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Returns whether a session was started with multiple factors at the provider. */
export async function isMultiFactorSession(db: Queryable, sessionId: string): Promise<boolean> {
  return (await findSessionSignIn(db, sessionId))?.multi_factor === 1;
}

/**
 * Deletes the sessions that were started with an identity; with `providerSession`, only those that were started in that
 * session at the provider or for which the provider named no session. Never deletes `exceptSessionId`. Returns the
 * deleted sessions.
 */
export async function deleteIdentitySessions(
  trx: Trx,
  { identityId, providerSession }: { readonly identityId: string; readonly providerSession?: string },
  exceptSessionId: string | null = null,
): Promise<{ sessionId: string; personId: string }[]> {
  let signIns = trx.selectFrom('session_sign_in').select('session_id').where('identity_id', '=', identityId);
  if (providerSession !== undefined) {
    signIns = signIns.where((where) =>
      where.or([where('provider_session', '=', providerSession), where('provider_session', 'is', null)]),
    );
  }
  let query = trx.deleteFrom('session').where('id', 'in', signIns);
  if (exceptSessionId !== null) query = query.where('id', '!=', exceptSessionId);
  const rows = await query.returning(['id', 'person_id']).execute();
  return rows.map(({ id, person_id }) => ({ sessionId: id, personId: person_id }));
}

/**
 * Deletes and returns up to `max` sessions that were started with a password or a passkey, or by a device that was
 * approved in such a session.
 */
export async function deletePasswordSessions(
  trx: Trx,
  max: number,
): Promise<{ readonly id: string; readonly person_id: string }[]> {
  const signIns = trx.selectFrom('session_sign_in').select('session_id');
  const ids = trx.selectFrom('session').select('id').where('id', 'not in', signIns).limit(max);
  return trx.deleteFrom('session').where('id', 'in', ids).returning(['id', 'person_id']).execute();
}

/** Returns the IDs of the identities that have sessions started in this session at the provider. */
export async function findIdentityIdsOfProviderSession(
  db: Queryable,
  issuer: string,
  providerSession: string,
): Promise<string[]> {
  const rows = await db
    .selectFrom('session_sign_in')
    .innerJoin('person_identity', 'person_identity.id', 'session_sign_in.identity_id')
    .select('person_identity.id')
    .distinct()
    .where('person_identity.issuer', '=', issuer)
    .where('session_sign_in.provider_session', '=', providerSession)
    .execute();
  return rows.map(({ id }) => id);
}

/** A session with a refresh token, and its identity. */
export interface RefreshableSession {
  readonly session_id: string;
  readonly refresh_token_sealed: string;
  readonly checked_at: number;
  readonly identity_id: string;
  readonly provider_session: string | null;
  readonly issuer: string;
  readonly subject: string;
  readonly person_id: string;
}

/**
 * Returns up to `limit` sessions that have a refresh token and were last checked before `before` (epoch milliseconds),
 * those checked the longest ago first.
 */
export async function listSessionsToCheck(db: Queryable, before: number, limit: number): Promise<RefreshableSession[]> {
  const rows = await db
    .selectFrom('session_sign_in')
    .innerJoin('person_identity', 'person_identity.id', 'session_sign_in.identity_id')
    .select([
      'session_sign_in.session_id',
      'session_sign_in.refresh_token_sealed',
      'session_sign_in.checked_at',
      'session_sign_in.provider_session',
      'person_identity.id as identity_id',
      'person_identity.issuer',
      'person_identity.subject',
      'person_identity.person_id',
    ])
    .where('session_sign_in.refresh_token_sealed', 'is not', null)
    .where('session_sign_in.checked_at', '<', before)
    .orderBy('session_sign_in.checked_at')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, refresh_token_sealed: row.refresh_token_sealed ?? '' }));
}

/**
 * Deletes a session that the provider has ended, and the sessions of devices that were approved in the same session at
 * the provider. Those have no refresh token, so nothing else would end them. Returns the IDs of the deleted sessions.
 */
export async function deleteEndedSession(
  trx: Trx,
  { session_id, identity_id, provider_session }: RefreshableSession,
): Promise<string[]> {
  const signIns = trx
    .selectFrom('session_sign_in')
    .select('session_id')
    .where('identity_id', '=', identity_id)
    .where('refresh_token_sealed', 'is', null)
    .where('provider_session', provider_session === null ? 'is' : '=', provider_session);
  const rows = await trx
    .deleteFrom('session')
    .where((where) => where.or([where('id', '=', session_id), where('id', 'in', signIns)]))
    .returning('id')
    .execute();
  return rows.map(({ id }) => id);
}

/** Claims the check of a session that was last checked at `lastCheckedAt`; returns true for exactly one node. */
export async function claimSessionCheck(
  trx: Trx,
  sessionId: string,
  lastCheckedAt: number,
  now: number,
): Promise<boolean> {
  const result = await trx
    .updateTable('session_sign_in')
    .set({ checked_at: now })
    .where('session_id', '=', sessionId)
    .where('checked_at', '=', lastCheckedAt)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** Records that the provider has confirmed a session, and stores the session's next refresh token. */
export async function updateRefreshToken(trx: Trx, sessionId: string, sealed: string, now: number): Promise<void> {
  await trx
    .updateTable('session_sign_in')
    .set({ refresh_token_sealed: sealed, checked_at: now })
    .where('session_id', '=', sessionId)
    .execute();
}

/** Stores content under a key; returns false, and stores nothing, if the key exists. */
export async function insertSingleUse(
  trx: Trx,
  row: { key: string; content: string | null; expires_at: number },
): Promise<boolean> {
  const result = await trx
    .insertInto('single_use')
    .values(row)
    .onConflict((conflict) => conflict.column('key').doNothing())
    .executeTakeFirst();
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** Returns the content that is stored under a key, or undefined if there is none or it has expired. */
export async function findSingleUse(db: Queryable, key: string, now: number): Promise<string | undefined> {
  const row = await db
    .selectFrom('single_use')
    .select('content')
    .where('key', '=', key)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row?.content ?? undefined;
}

/** Deletes a key; returns true for exactly one caller. */
export async function consumeSingleUse(trx: Trx, key: string): Promise<boolean> {
  return (await trx.deleteFrom('single_use').where('key', '=', key).executeTakeFirst()).numDeletedRows > 0n;
}

export async function deleteExpiredSingleUses(trx: Trx, now: number): Promise<void> {
  await trx.deleteFrom('single_use').where('expires_at', '<=', now).execute();
}
