import { appendAuditEvent, SYSTEM_ACTOR } from '../audit/log.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import type { SignUp } from '../contract/people.ts';
import { Problem } from '../contract/problem.ts';
import { findInvitation } from '../store/invitations.ts';
import {
  consumeSetupCode,
  deleteSetupCode,
  findPersonByEmail,
  hasAnyPerson,
  insertPerson,
  lockFirstSignUp,
  type PersonRow,
  replaceSetupCode,
  setLastWorkspace,
} from '../store/people.ts';
import { isUniqueViolation, type Trx } from '../store/store.ts';
import { checkFailureLimit, clientSubject, recordFailure } from './attempt-throttle.ts';
import {
  emailKey,
  type PeopleContext,
  personPartyOf,
  randomCode,
  recordForPerson,
  refuseIfPasswordsOff,
  sha256,
} from './context.ts';
import { acceptInvitationInTransaction } from './invitations.ts';
import { hashChosenPassword } from './passwords.ts';
import { type CreatedSession, startSession } from './sessions.ts';
import { createWorkspaceInTransaction } from './workspaces.ts';

/**
 * Creates a setup code, which replaces any earlier code. Only its digest is stored. Returns null if anyone has signed
 * up.
 */
export async function createSetupCode(context: PeopleContext): Promise<string | null> {
  return context.store.transaction(async (trx) => {
    await lockFirstSignUp(trx);
    if (await hasAnyPerson(trx)) return null;
    const code = randomCode(32);
    await replaceSetupCode(trx, sha256(code));
    return code;
  });
}

export function newPersonRow(input: { name: string; email: string }, passwordHash: string, now: number): PersonRow {
  return {
    id: createId('person', now),
    name: input.name,
    email: input.email,
    email_key: emailKey(input.email),
    password_hash: passwordHash,
    totp_sealed: null,
    totp_enabled: 0,
    totp_last_step: 0,
    last_workspace_id: null,
    operator: 0,
    disabled: 0,
    access_ended_at: 0,
    created_at: now,
    updated_at: now,
  };
}

function throwEmailTaken(): never {
  throw new Problem('conflict', 'An account with this email address already exists. Sign in instead.');
}

/** Inserts a person. Throws `conflict` if another person has the email address. */
export async function insertNewPerson(trx: Trx, person: PersonRow): Promise<void> {
  try {
    await insertPerson(trx, person);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throwEmailTaken();
  }
}

/** Returns whether no one has signed up yet. If so, no other sign-up can complete until the transaction ends. */
export async function isFirstPerson(trx: Trx): Promise<boolean> {
  if (await hasAnyPerson(trx)) return false;
  await lockFirstSignUp(trx);
  return !(await hasAnyPerson(trx));
}

/**
 * Checks that this person may sign up, before a password is hashed. Does not check the setup code, which `signUp`
 * consumes. Throws `forbidden`.
 */
async function checkSignUpAllowed(context: PeopleContext, input: SignUp): Promise<void> {
  const { store, clock } = context;
  if (input.setupCode !== undefined || context.signUp === 'open') return;
  if (input.invitation === undefined) {
    throw new Problem('forbidden', 'Signing up requires an invitation or, for the first person, the setup code.');
  }
  if ((await findInvitation(store.read, sha256(input.invitation), clock())) === undefined) {
    throw new Problem('forbidden', 'The invitation is no longer valid. Ask for a new one.');
  }
}

/**
 * Runs a client's sign-ups one at a time, within the failure limits. A refusal counts as a failure, and so does each
 * sign-up without an invitation. The checks run before `work`, which hashes the password.
 */
function throttleSignUp<Done>(
  context: PeopleContext,
  input: SignUp,
  origin: RequestOrigin,
  work: () => Promise<Done>,
): Promise<Done> {
  const client = clientSubject(origin);
  return context.failures.clientMutex.run(client, async () => {
    await checkFailureLimit(context, client);
    try {
      await checkSignUpAllowed(context, input);
      if ((await findPersonByEmail(context.store.read, emailKey(input.email))) !== undefined) throwEmailTaken();
      if (input.invitation === undefined) await recordFailure(context, clientSubject(origin, 'sign-up'));
      return await work();
    } catch (error) {
      const refused = error instanceof Problem && (error.code === 'forbidden' || error.code === 'conflict');
      if (refused) await recordFailure(context, client);
      throw error;
    }
  });
}

/**
 * Signs a person up and in. If sign-up is by invitation, this requires the code of an invitation or, for the first
 * person, the setup code. Of several concurrent attempts with the setup code, one succeeds. Throws `forbidden`,
 * `conflict` for a taken email address, `validation_failed` for a refused password, `rate_limited`, and the errors of
 * `acceptInvitationInTransaction`.
 */
export async function signUp(
  context: PeopleContext,
  input: SignUp,
  origin: RequestOrigin,
): Promise<{ person: PersonRow; session: CreatedSession }> {
  const { store, clock } = context;
  const now = clock();
  refuseIfPasswordsOff(context);
  return throttleSignUp(context, input, origin, async () => {
    const newPerson = newPersonRow(input, await hashChosenPassword('password', input.password, input, origin), now);
    return await store.transaction(async (trx) => {
      const isFirst = await isFirstPerson(trx);
      const person = { ...newPerson, operator: isFirst ? 1 : 0 };
      if (input.setupCode !== undefined && (!(await consumeSetupCode(trx, sha256(input.setupCode))) || !isFirst)) {
        throw new Problem(
          'forbidden',
          'The setup code is not valid. Until someone has signed up, each start of the server prints a new code.',
        );
      }
      await deleteSetupCode(trx);
      await insertNewPerson(trx, person);
      if (input.invitation !== undefined)
        await acceptInvitationInTransaction(trx, person, input.invitation, origin, now);
      await recordForPerson(trx, person.id, {
        action: 'person.signed_up',
        at: now,
        actor: personPartyOf(person),
        target: personPartyOf(person),
        origin,
        detail: {},
      });
      return { person, session: await startSession(trx, person, 'browser', origin, now) };
    });
  });
}

/**
 * Creates the first person, as an operator, and a workspace that the person owns, without a browser. Throws `conflict`
 * if anyone has signed up, and `validation_failed` for a refused password.
 */
export async function createFirstOwner(
  context: PeopleContext,
  input: { name: string; email: string; password: string; workspace: string },
): Promise<{ personId: string; workspaceId: string; slug: string }> {
  const { store, clock } = context;
  const now = clock();
  const origin: RequestOrigin = { address: null, userAgent: 'devpilot init', requestId: null };
  const person = newPersonRow(input, await hashChosenPassword('password', input.password, input, origin), now);
  return store.transaction(async (trx) => {
    await lockFirstSignUp(trx);
    if (await hasAnyPerson(trx)) throw new Problem('conflict', 'An owner already exists. Sign in, or invite people.');
    await deleteSetupCode(trx);
    await insertNewPerson(trx, { ...person, operator: 1 });
    const workspace = await createWorkspaceInTransaction(trx, person, { name: input.workspace }, origin, now);
    await setLastWorkspace(trx, person.id, workspace.id);
    await appendAuditEvent(trx, {
      workspaceId: workspace.id,
      action: 'person.signed_up',
      at: now,
      actor: SYSTEM_ACTOR,
      target: personPartyOf(person),
      credential: null,
      origin,
      detail: {},
    });
    return { personId: person.id, workspaceId: workspace.id, slug: workspace.slug };
  });
}
