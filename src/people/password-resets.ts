import { SYSTEM_ACTOR } from '../audit/log.ts';
import type { AuditParty, RequestOrigin } from '../contract/audit.ts';
import { DURATIONS, LIMITS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import {
  consumePasswordReset,
  countPasswordResets,
  findPasswordReset,
  insertPasswordReset,
} from '../store/password-resets.ts';
import { findPerson, findPersonByEmail, lockPerson, type PersonRow, updatePerson } from '../store/people.ts';
import { endSessionsAndPendingSignIns } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';
import { checkFailureLimit, clientSubject, recordFailure } from './attempt-throttle.ts';
import {
  emailKey,
  type PeopleContext,
  personPartyOf,
  randomCode,
  recordForPerson,
  recordForPersonAndOperators,
  refuseIfPasswordsOff,
  sha256,
} from './context.ts';
import { lockOperatorStatus } from './operators.ts';
import { hashChosenPassword } from './passwords.ts';

export interface IssuedResetLink {
  readonly url: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/**
 * Creates a reset link. Its code has 190 random bits, and only the digest of the code is stored. Returns null if the
 * person already has the maximum number of unused links. The maximum also prevents the flooding of a mailbox.
 */
async function createResetLink(context: PeopleContext, trx: Trx, person: PersonRow): Promise<IssuedResetLink | null> {
  const now = context.clock();
  if ((await countPasswordResets(trx, person.id, now)) >= LIMITS.passwordResets.max) return null;
  const code = randomCode(32);
  const expiresAt = now + DURATIONS.passwordReset;
  await insertPasswordReset(trx, {
    digest: sha256(code),
    person_id: person.id,
    created_at: now,
    expires_at: expiresAt,
  });
  return { url: `${context.publicUrl()}/reset-password#${code}`, expiresAt };
}

async function sendResetMail(context: PeopleContext, email: string, origin: RequestOrigin): Promise<void> {
  const { mail, store, clock } = context;
  const recipient = await findPersonByEmail(store.read, emailKey(email));
  if (mail === null || recipient === undefined) return;
  const issued = await store.transaction(async (trx) => {
    const person = await lockPerson(trx, recipient.id);
    if (person === undefined || person.disabled === 1) return null;
    const link = await createResetLink(context, trx, person);
    if (link === null) return null;
    await recordForPerson(trx, person.id, {
      action: 'person.password_reset_requested',
      at: clock(),
      actor: SYSTEM_ACTOR,
      target: personPartyOf(person),
      origin,
      detail: {},
    });
    return link;
  });
  if (issued === null) return;
  await mail.send({
    to: recipient.email,
    subject: 'Reset your Devpilot password',
    text: `Someone asked to reset the password of your Devpilot account ${recipient.email}.\n\nChoose a new password within one hour:\n${issued.url}\n\nIf this was not you, ignore this message: nothing has changed.\n`,
  });
}

/**
 * Mails a link to the person with this email address. The mail is sent after the response, so that neither the content
 * nor the timing of the response reveals whether the person exists. Throws `rate_limited`, and `forbidden` while
 * passwords are off.
 */
export async function requestPasswordReset(
  context: PeopleContext,
  email: string,
  origin: RequestOrigin,
): Promise<void> {
  refuseIfPasswordsOff(context);
  const subject = clientSubject(origin, 'password reset');
  await checkFailureLimit(context, subject);
  // Every request counts as a failure, because the response must not reveal whether the person exists.
  await recordFailure(context, subject);
  context.background.run(() => sendResetMail(context, email, origin));
}

/**
 * Creates a link for an operator to pass on. It resets the password or, while passwords are off, signs the person in
 * once. Throws `not_found`, `forbidden`, and `conflict` for a disabled person or too many links.
 */
export async function createPasswordReset(
  context: PeopleContext,
  personId: string,
  actor: AuditParty,
  origin: RequestOrigin,
): Promise<IssuedResetLink> {
  return context.store.transaction(async (trx) => {
    await lockOperatorStatus(trx, actor);
    const person = await lockPerson(trx, personId);
    if (person === undefined) throw new Problem('not_found', 'The person was not found.');
    if (person.disabled === 1) throw new Problem('conflict', 'This account is disabled. Enable it first.');
    const link = await createResetLink(context, trx, person);
    if (link === null) throw new Problem('conflict', 'Too many unused reset links. They expire within an hour.');
    await recordForPersonAndOperators(trx, person.id, {
      action: 'person.password_reset_created',
      at: context.clock(),
      actor,
      target: personPartyOf(person),
      origin,
      detail: {},
    });
    return link;
  });
}

/**
 * Sets a new password with a single-use code. Ends all access of the person, who must sign in again, with the second
 * factor if one is set. Throws `not_found`, `validation_failed`, `rate_limited`, and `forbidden` while passwords are
 * off.
 */
export async function resetPassword(
  context: PeopleContext,
  code: string,
  password: string,
  origin: RequestOrigin,
): Promise<void> {
  const { store, clock } = context;
  refuseIfPasswordsOff(context);
  const subject = clientSubject(origin, 'password reset code');
  await checkFailureLimit(context, subject);
  const digest = sha256(code);
  const reset = await findPasswordReset(store.read, digest, clock());
  const person = reset === undefined ? undefined : await findPerson(store.read, reset.person_id);
  const invalidLink = new Problem('not_found', 'This link was already used or has expired. Ask for a new one.');
  if (person === undefined) {
    await recordFailure(context, subject);
    throw invalidLink;
  }
  const passwordHash = await hashChosenPassword('password', password, person, origin);
  await store.transaction(async (trx) => {
    const current = await lockPerson(trx, person.id);
    if (current === undefined || current.disabled === 1 || !(await consumePasswordReset(trx, digest, clock())))
      throw invalidLink;
    await updatePerson(trx, person.id, { password_hash: passwordHash, updated_at: clock() });
    const sessionsEnded = await endSessionsAndPendingSignIns(trx, person.id, null, clock());
    await recordForPerson(trx, person.id, {
      action: 'person.password_reset',
      at: clock(),
      actor: personPartyOf(current),
      target: personPartyOf(current),
      origin,
      detail: { sessionsEnded },
    });
  });
}
