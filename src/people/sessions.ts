import { SYSTEM_LOG } from '../audit/log.ts';
import { toStoredUserAgent } from '../audit/user-agent.ts';
import { clientNetwork } from '../authorization/client-network.ts';
import { hashPassphrase, verifyPassphrase } from '../authorization/passphrase.ts';
import { digestOf, digestToBytes, mintSecret } from '../authorization/secret.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import { toIsoString } from '../contract/instant.ts';
import { DURATIONS } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import { Problem } from '../contract/problem.ts';
import { QUOTAS } from '../contract/quotas.ts';
import type { Session, SignIn } from '../contract/sessions.ts';
import { findSingleUse, insertSingleUse } from '../store/identities.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import {
  deleteLeastRecentlyUsedSessions,
  deleteSessions,
  findPersonByEmail,
  findSessionByDigest,
  insertSession,
  listSessions,
  lockPerson,
  type PersonRow,
  type SessionRow,
  upsertKnownAddress,
} from '../store/people.ts';
import { deleteAnsweredDeviceCodes, endSessionsAndPendingSignIns } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';
import { listWorkspaceIds } from '../store/workspaces.ts';
import {
  clientSubject,
  personAccount,
  throttleAttempt,
  UNKNOWN_PERSON_ID,
  unknownAccount,
} from './attempt-throttle.ts';
import {
  emailKey,
  type PeopleContext,
  personPartyOf,
  randomCode,
  recordForPerson,
  refuseIfPasswordsOff,
  type SignedInPerson,
} from './context.ts';
import { lockSignedInPerson } from './lock-session.ts';
import { checkSecondFactorCode, consumeSecondFactor, secondFactorRequired } from './second-factor.ts';

/** A new session with its secret, which is returned once. */
export interface CreatedSession {
  readonly id: string;
  readonly secret: string;
  /** Epoch milliseconds. */
  readonly endsAt: number;
}

/** Creates a session inside the caller's transaction, and records it as a sign-in. */
export async function startSession(
  trx: Trx,
  person: { readonly id: string; readonly name: string },
  kind: 'browser' | 'device',
  origin: RequestOrigin,
  now: number,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<CreatedSession> {
  const secret = mintSecret('session');
  const session = {
    id: createId('session', now),
    person_id: person.id,
    digest: digestToBytes(digestOf(secret)),
    kind,
    address: origin.address,
    user_agent: toStoredUserAgent(origin.userAgent),
    created_at: now,
    last_used_at: now,
    ends_at: now + DURATIONS.sessionLifetime,
  };
  await insertSession(trx, session);
  await deleteLeastRecentlyUsedSessions(trx, person.id, QUOTAS.sessions.max);
  if (origin.address !== null) await upsertKnownAddress(trx, person.id, clientNetwork(origin.address), now);
  await recordForPerson(trx, person.id, {
    action: 'session.created',
    at: now,
    actor: personPartyOf(person),
    target: { kind: 'session', id: session.id, name: null },
    origin,
    detail: { kind, ...detail },
  });
  return { id: session.id, secret, endsAt: session.ends_at };
}

let dummyHash: Promise<string> | null = null;

/**
 * Returns the hash against which a password is verified if the account is unknown, so that the response takes as long
 * as for a known account (ASVS 6.3.8).
 */
function dummyPasswordHash(): Promise<string> {
  dummyHash ??= hashPassphrase(randomCode(43), '');
  return dummyHash;
}

/**
 * Records a failed sign-in or reauthentication in the log of each workspace of the person, or in the system log if the
 * person has none or is unknown.
 */
export async function recordSignInFailure(
  context: PeopleContext,
  person: PersonRow | undefined,
  origin: RequestOrigin,
  reason: string,
): Promise<void> {
  const workspaceIds = await listWorkspaceIds(context.store.read, person?.id ?? UNKNOWN_PERSON_ID);
  const actor = { kind: 'person', id: person?.id ?? null, name: person?.name ?? null } as const;
  for (const workspaceId of workspaceIds.length === 0 ? [SYSTEM_LOG] : workspaceIds) {
    const now = context.clock();
    context.denials.add({ workspaceId, action: 'session.failed', actor, credential: null, reason, origin, at: now });
  }
}

/**
 * Throws `forbidden` for a disabled account. Call it only after authentication, because only the person may learn this.
 */
export function refuseDisabled(person: Pick<PersonRow, 'disabled'>): void {
  if (person.disabled === 0) return;
  throw new Problem('forbidden', 'This account is disabled. Ask an operator of this server to enable it.');
}

/**
 * Locks a person until the transaction ends, and returns whether the verified password and second factor are still
 * current. Without the lock, a session started with an old password could outlive the password change (as in
 * CVE-2026-22706). Throws `forbidden` for a disabled person.
 */
async function lockAndCheckUnchanged(trx: Trx, verified: PersonRow): Promise<boolean> {
  const current = await lockPerson(trx, verified.id);
  if (current !== undefined) refuseDisabled(current);
  return current?.password_hash === verified.password_hash && current.totp_enabled === verified.totp_enabled;
}

/**
 * Signs a person in. Throws the same `sign_in_failed` for an unknown account, a wrong password and a wrong code, after
 * the same work; `second_factor_required` for a correct password without a code if a second factor is set; `forbidden`
 * for a disabled account and while passwords are off; and `rate_limited`.
 */
export async function signIn(
  context: PeopleContext,
  input: SignIn,
  origin: RequestOrigin,
): Promise<{ person: PersonRow; session: CreatedSession }> {
  const { store, clock } = context;
  refuseIfPasswordsOff(context);
  const key = emailKey(input.email);
  const person = await findPersonByEmail(store.read, key);
  const throttledAccount = person === undefined ? unknownAccount(key) : personAccount(person.id);
  const dummy = await dummyPasswordHash();

  const session = await throttleAttempt(context, throttledAccount, origin.address ?? '', {
    async verify() {
      const isCorrect = await verifyPassphrase(person?.password_hash ?? dummy, input.password, clientSubject(origin));
      if (!isCorrect || person === undefined) return null;
      if (person.totp_enabled === 0) return { person, factor: null };
      if (input.code === undefined) throw secondFactorRequired();
      const factor = await checkSecondFactorCode(context, person, input.code);
      return factor === null ? null : { person, factor };
    },
    complete: ({ person: verified, factor }) =>
      store.transaction(async (trx) => {
        if (!(await lockAndCheckUnchanged(trx, verified))) return null;
        if (factor === null) return startSession(trx, verified, 'browser', origin, clock());
        if (!(await consumeSecondFactor(trx, verified.id, factor))) return null;
        const secondFactor = 'step' in factor ? 'totp' : 'recovery_code';
        return startSession(trx, verified, 'browser', origin, clock(), { secondFactor });
      }),
  });
  if (session !== null && person !== undefined) return { person, session };
  await recordSignInFailure(context, person, origin, 'sign_in_failed');
  throw new Problem('sign_in_failed', 'Incorrect email address, password or code.');
}

/** Checks a signed-in person's password before a sensitive action. Throws `sign_in_failed` and `rate_limited`. */
export async function reauthenticateWithPassword(
  context: PeopleContext,
  person: PersonRow,
  password: string,
  origin: RequestOrigin,
): Promise<void> {
  const throttledAccount = personAccount(person.id);
  const isCorrect = await throttleAttempt(context, throttledAccount, origin.address ?? '', {
    verify: async () => ((await verifyPassphrase(person.password_hash, password, clientSubject(origin))) ? true : null),
    complete: (verified) => Promise.resolve(verified),
  });
  if (isCorrect !== null) return;
  await recordSignInFailure(context, person, origin, 'password_incorrect');
  throw new Problem('sign_in_failed', 'Incorrect password.');
}

/** Returns a session in the format of the API. It expires at the earlier of its idle and absolute limits. Pure. */
export function serializeSession(row: SessionRow, currentId: string): Session {
  return {
    id: row.id,
    kind: row.kind === 'device' ? 'device' : 'browser',
    current: row.id === currentId,
    address: row.address,
    userAgent: row.user_agent,
    createdAt: toIsoString(row.created_at),
    lastUsedAt: toIsoString(row.last_used_at),
    expiresAt: toIsoString(Math.min(row.ends_at, row.last_used_at + DURATIONS.sessionIdle)),
  };
}

export async function listOwnSessions(
  context: PeopleContext,
  caller: SignedInPerson,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Session>> {
  const page = readPageRequest(query, '-createdAt', 'number');
  const activity = { now: context.clock(), idleMs: DURATIONS.sessionIdle };
  const rows = await listSessions(context.store.read, caller.personId, activity, page);
  const positionOf = (row: SessionRow) => ({ value: row.created_at, id: row.id });
  return toPage(rows, page.limit, '-createdAt', positionOf, (row) => serializeSession(row, caller.sessionId));
}

/**
 * Ends one of the caller's sessions. If it is not the current session, approved device codes are deleted too, because
 * the ended session may have approved them. Throws `not_found`.
 */
export async function endSession(
  context: PeopleContext,
  caller: SignedInPerson,
  sessionId: string,
  origin: RequestOrigin,
): Promise<void> {
  const person = { id: caller.personId, name: caller.name };
  await context.store.transaction(async (trx) => {
    const [ended] = await deleteSessions(trx, caller.personId, sessionId, null);
    if (ended === undefined) throw new Problem('not_found', 'The session was not found.');
    if (sessionId !== caller.sessionId) await deleteAnsweredDeviceCodes(trx, caller.personId);
    await recordForPerson(trx, caller.personId, {
      action: 'session.deleted',
      at: context.clock(),
      actor: personPartyOf(person),
      target: { kind: 'session', id: sessionId, name: null },
      origin,
      detail: {},
    });
  });
}

/**
 * Ends every session of the caller except the current one, and everything else that grants access, such as approved
 * device codes. Throws `invalid_token`.
 */
export async function endOtherSessions(
  context: PeopleContext,
  caller: SignedInPerson,
  origin: RequestOrigin,
): Promise<void> {
  await context.store.transaction(async (trx) => {
    const person = personPartyOf(await lockSignedInPerson(trx, caller));
    const now = context.clock();
    const sessionsEnded = await endSessionsAndPendingSignIns(trx, caller.personId, caller.sessionId, now);
    const draft = { action: 'person.sessions_ended', at: now, actor: person, target: person, origin } as const;
    await recordForPerson(trx, caller.personId, { ...draft, detail: { sessionsEnded } });
  });
}

const endedSessionKey = (digest: Uint8Array) => `ended session ${Buffer.from(digest).toString('hex')}`;

/** Returns whether `endSessionBySecret` ended the session of a secret in the last 90 days. */
export async function wasSessionEndedBySecret({ store, clock }: PeopleContext, secret: string): Promise<boolean> {
  return (await findSingleUse(store.read, endedSessionKey(digestToBytes(digestOf(secret))), clock())) !== undefined;
}

/** Ends the session of a secret, and records `reason`. Returns false if there is no such session. */
export async function endSessionBySecret(
  context: PeopleContext,
  secret: string,
  origin: RequestOrigin,
  reason: string,
): Promise<boolean> {
  const digest = digestToBytes(digestOf(secret));
  const session = await findSessionByDigest(context.store.read, digest);
  if (session === undefined) return false;
  const target = { kind: 'session', id: session.id, name: null } as const;
  await context.store.transaction(async (trx) => {
    const [ended] = await deleteSessions(trx, session.person_id, session.id, null);
    if (ended === undefined) return;
    const now = context.clock();
    await insertSingleUse(trx, {
      key: endedSessionKey(digest),
      content: session.id,
      expires_at: now + DURATIONS.tombstone,
    });
    const draft = { action: 'session.deleted', at: now, actor: target, target, origin } as const;
    await recordForPerson(trx, session.person_id, { ...draft, detail: { reason } });
  });
  return true;
}
