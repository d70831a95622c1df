import { generateSecret, verify } from 'otplib';
import type { Origin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import { Problem } from '../contract/problem.ts';
import { QUOTAS } from '../contract/quotas.ts';
import type { Page, Session, SignIn } from '../contract/schemas.ts';
import { SPANS } from '../contract/words.ts';
import { clientNetwork } from '../credentials/client-network.ts';
import { hashPassphrase, verifyPassphrase } from '../credentials/passphrase.ts';
import { digestBytes, digestOf, mintSecret } from '../credentials/secret.ts';
import { deleteApprovedDevices, endAccess } from '../store/access.ts';
import { cutPage, pageAsk } from '../store/paging.ts';
import {
  advanceTotpStep,
  consumeRecoveryCode,
  deleteSessions,
  deleteSessionsBeyond,
  findPersonByEmail,
  findSessionByDigest,
  insertSession,
  keepKnownAddress,
  listSessions,
  lockPerson,
  type PersonRow,
  type SessionRow,
} from '../store/people.ts';
import type { Trx } from '../store/store.ts';
import { workspaceIdsOf } from '../store/workspaces.ts';
import { lockSignedIn } from './access.ts';
import {
  emailKey,
  instant,
  type PeopleContext,
  partyOf,
  recordForPerson,
  type SignedIn,
  sha256,
  totpIdentity,
} from './context.ts';
import { clientSubject, throttled } from './throttle.ts';

/** A session that was just made, with the secret that is told once. */
export interface NewSession {
  readonly id: string;
  readonly secret: string;
  readonly endsAt: number;
}

/** Makes a session inside the transaction of what leads to it, and records it as a sign-in. */
export async function startSession(
  trx: Trx,
  person: { readonly id: string; readonly name: string },
  kind: 'browser' | 'device',
  origin: Origin,
  now: number,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<NewSession> {
  const secret = mintSecret('session');
  const session = {
    id: createId('session', now),
    person_id: person.id,
    digest: digestBytes(digestOf(secret)),
    kind,
    address: origin.address,
    user_agent: origin.userAgent?.slice(0, 512) ?? null,
    created_at: now,
    last_used_at: now,
    ends_at: now + SPANS.sessionWhole,
  };
  await insertSession(trx, session);
  await deleteSessionsBeyond(trx, person.id, QUOTAS.sessions.max);
  if (origin.address !== null) await keepKnownAddress(trx, person.id, clientNetwork(origin.address), now);
  await recordForPerson(trx, person.id, {
    action: 'session.created',
    at: now,
    actor: partyOf(person),
    target: { kind: 'session', id: session.id, name: null },
    origin,
    detail: { kind, ...detail },
  });
  return { id: session.id, secret, endsAt: session.ends_at };
}

const RECOVERY_CODE = /^[0-9A-Za-z]{24}$/;

/** A recovery code as it is compared: without the separators that it is shown with. */
export function plainRecoveryCode(code: string): string {
  return code.replace(/[\s-]/g, '').toUpperCase();
}

export type SecondFactor = { readonly step: number } | { readonly recovery: Buffer };

/** Reads a second factor's code; null if it can't be right. That it is new is decided when it is used up. */
export async function readSecondFactor(
  context: PeopleContext,
  person: PersonRow,
  code: string,
): Promise<SecondFactor | null> {
  const digits = code.replace(/\s/g, '');
  if (/^\d{6}$/.test(digits)) {
    if (person.totp_sealed === null) return null;
    const secret = context.seal.open(person.totp_sealed, totpIdentity(person));
    const epoch = Math.floor(context.clock() / 1000);
    const result = await verify({ secret, token: digits, epoch, epochTolerance: 30 });
    return result.valid && 'timeStep' in result ? { step: result.timeStep } : null;
  }
  const plain = plainRecoveryCode(code);
  return RECOVERY_CODE.test(plain) ? { recovery: sha256(plain) } : null;
}

/** Uses a code up; true for exactly one of several callers with the same one (ASVS 6.5.1). */
export async function consumeSecondFactor(trx: Trx, personId: string, factor: SecondFactor): Promise<boolean> {
  return 'step' in factor
    ? advanceTotpStep(trx, personId, factor.step)
    : consumeRecoveryCode(trx, personId, factor.recovery);
}

let dummyHash: Promise<string> | null = null;

/** The hash that a password for an unknown account is tried against: the same work either way (ASVS 6.3.8). */
function hashOfNobody(): Promise<string> {
  dummyHash ??= hashPassphrase(generateSecret(), '');
  return dummyHash;
}

/** Notes a failed sign-in for the log of each workspace of the person, or the system's. */
export async function noteFailure(
  context: PeopleContext,
  person: PersonRow | undefined,
  origin: Origin,
  reason: string,
): Promise<void> {
  const workspaceIds = await workspaceIdsOf(context.store.read, person?.id ?? 'per_nobody');
  const actor = { kind: 'person', id: person?.id ?? null, name: person?.name ?? null } as const;
  for (const workspaceId of workspaceIds.length === 0 ? ['system'] : workspaceIds) {
    const at = context.clock();
    context.denials.note({ workspaceId, action: 'session.failed', actor, credential: null, reason, origin, at });
  }
}

/** Tells only somebody who has proven to be the person that the account is disabled. Throws `forbidden`. */
export function refuseDisabled(person: Pick<PersonRow, 'disabled'>): void {
  if (person.disabled === 0) return;
  throw new Problem('forbidden', 'This account is disabled. Ask an operator of this server to enable it.');
}

/**
 * Tells whether what was proven still counts, and holds it until the transaction ends: a session that
 * began by an old password would outlive its change (CVE-2026-22706). Throws `forbidden` for a disabled person.
 */
async function isUnchanged(trx: Trx, proven: PersonRow): Promise<boolean> {
  const now = await lockPerson(trx, proven.id);
  if (now !== undefined) refuseDisabled(now);
  return now?.password_hash === proven.password_hash && now.totp_enabled === proven.totp_enabled;
}

/**
 * Signs a person in. Throws `sign_in_failed` alike for an unknown account, a wrong password and a wrong
 * code, after the same work; `second_factor_required` for a right password alone where a second factor
 * is set; `rate_limited`.
 */
export async function signIn(
  context: PeopleContext,
  input: SignIn,
  origin: Origin,
): Promise<{ person: PersonRow; session: NewSession }> {
  const { store, clock } = context;
  const key = emailKey(input.email);
  const person = await findPersonByEmail(store.read, key);
  const subject = `sign_in ${person?.id ?? sha256(key).toString('hex')}`;
  const nobody = await hashOfNobody();

  const account = { subject, personId: person?.id ?? null };
  const session = await throttled(context, account, origin.address ?? '', {
    async prove() {
      const right = await verifyPassphrase(person?.password_hash ?? nobody, input.password, clientSubject(origin));
      if (!right || person === undefined) return null;
      if (person.totp_enabled === 0) return { person, factor: null };
      if (input.code === undefined) {
        throw new Problem('second_factor_required', 'Send `code` too: from the authenticator app, or a recovery code.');
      }
      const factor = await readSecondFactor(context, person, input.code);
      return factor === null ? null : { person, factor };
    },
    act: ({ person, factor }) =>
      store.transaction(async (trx) => {
        if (!(await isUnchanged(trx, person))) return null;
        if (factor === null) return startSession(trx, person, 'browser', origin, clock());
        if (!(await consumeSecondFactor(trx, person.id, factor))) return null;
        const secondFactor = 'step' in factor ? 'totp' : 'recovery_code';
        return startSession(trx, person, 'browser', origin, clock(), { secondFactor });
      }),
  });
  if (session !== null && person !== undefined) return { person, session };
  await noteFailure(context, person, origin, 'sign_in_failed');
  throw new Problem('sign_in_failed', 'The email address, the password or the code is not right.');
}

/** Checks a signed-in person's password anew before something sensitive. Throws `sign_in_failed`, `rate_limited`. */
export async function provePassword(
  context: PeopleContext,
  person: PersonRow,
  password: string,
  origin: Origin,
): Promise<void> {
  const account = { subject: `sign_in ${person.id}`, personId: person.id };
  const right = await throttled(context, account, origin.address ?? '', {
    prove: async () => ((await verifyPassphrase(person.password_hash, password, clientSubject(origin))) ? true : null),
    act: (proven) => Promise.resolve(proven),
  });
  if (right !== null) return;
  await noteFailure(context, person, origin, 'password_incorrect');
  throw new Problem('sign_in_failed', 'The password is not right.');
}

/** A session as the wire shows it. Its end is the earlier of the idle and the absolute one. Pure. */
export function showSession(row: SessionRow, currentId: string): Session {
  return {
    id: row.id,
    kind: row.kind === 'device' ? 'device' : 'browser',
    current: row.id === currentId,
    address: row.address,
    userAgent: row.user_agent,
    createdAt: instant(row.created_at),
    lastUsedAt: instant(row.last_used_at),
    expiresAt: instant(Math.min(row.ends_at, row.last_used_at + SPANS.sessionIdle)),
  };
}

export async function listOwnSessions(
  context: PeopleContext,
  who: SignedIn,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Session>> {
  const page = pageAsk(query, '-createdAt', 'number');
  const alive = { now: context.clock(), idle: SPANS.sessionIdle };
  const rows = await listSessions(context.store.read, who.personId, alive, page);
  const placeOf = (row: SessionRow) => ({ value: row.created_at, id: row.id });
  return cutPage(rows, page.limit, '-createdAt', placeOf, (row) => showSession(row, who.sessionId));
}

/** Ends one of the person's own sessions. Another than this one may have approved devices: those codes end too. Throws `not_found`. */
export async function endSession(
  context: PeopleContext,
  who: SignedIn,
  sessionId: string,
  origin: Origin,
): Promise<void> {
  const person = { id: who.personId, name: who.name };
  await context.store.transaction(async (trx) => {
    const [ended] = await deleteSessions(trx, who.personId, sessionId, null);
    if (ended === undefined) throw new Problem('not_found', 'You have no such session.');
    if (sessionId !== who.sessionId) await deleteApprovedDevices(trx, who.personId);
    await recordForPerson(trx, who.personId, {
      action: 'session.deleted',
      at: context.clock(),
      actor: partyOf(person),
      target: { kind: 'session', id: sessionId, name: null },
      origin,
      detail: {},
    });
  });
}

/** Ends every session of the person but this one, and all else that gives access, such as approved devices. Throws `invalid_token`. */
export async function endOtherSessions(context: PeopleContext, who: SignedIn, origin: Origin): Promise<void> {
  await context.store.transaction(async (trx) => {
    const person = partyOf(await lockSignedIn(trx, who));
    const at = context.clock();
    const sessionsEnded = await endAccess(trx, who.personId, who.sessionId, at);
    const draft = { action: 'person.sessions_ended', at, actor: person, target: person, origin } as const;
    await recordForPerson(trx, who.personId, { ...draft, detail: { sessionsEnded } });
  });
}

/** Ends the session of this secret, whoever holds it. Does nothing where there is none. */
export async function endSessionBySecret(context: PeopleContext, secret: string, origin: Origin): Promise<void> {
  const found = await findSessionByDigest(context.store.read, digestBytes(digestOf(secret)));
  if (found === undefined) return;
  const target = { kind: 'session', id: found.id, name: null } as const;
  await context.store.transaction(async (trx) => {
    const [ended] = await deleteSessions(trx, found.person_id, found.id, null);
    if (ended === undefined) return;
    const draft = { action: 'session.deleted', at: context.clock(), actor: target, target, origin } as const;
    await recordForPerson(trx, found.person_id, { ...draft, detail: { reason: 'revoked by its holder' } });
  });
}
