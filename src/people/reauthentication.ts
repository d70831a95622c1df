import { verifyPassphrase } from '../authorization/passphrase.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { LIMITS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import type { Reauthenticate } from '../contract/reauthentication.ts';
import { findSessionSignIn } from '../store/identities.ts';
import { advancePasskey, consumeChallenge, findPasskeyByCredentialId, listPasskeys } from '../store/passkeys.ts';
import { findPerson, type PersonRow } from '../store/people.ts';
import { clientSubject, personAccount, throttleAttempt } from './attempt-throttle.ts';
import type { PeopleContext, SignedInPerson } from './context.ts';
import { lockSignedInPerson } from './lock-session.ts';
import { createChallenge } from './passkeys.ts';
import {
  checkSecondFactorCode,
  consumeSecondFactor,
  type SecondFactor,
  secondFactorRequired,
} from './second-factor.ts';
import { recordSignInFailure } from './sessions.ts';
import { assertionOptions, challengeDigest, type RelyingParty, verifyPasskeyAssertion } from './webauthn.ts';

/** Starts a reauthentication with a passkey. Returns the options for the browser. Throws `rate_limited`. */
export async function startPasskeyReauthentication(
  context: PeopleContext,
  caller: SignedInPerson,
  relyingParty: RelyingParty,
  origin: RequestOrigin,
): Promise<object> {
  const passkeys = await listPasskeys(context.store.read, caller.personId, { limit: LIMITS.passkeys.max, after: null });
  const challenge = await createChallenge(context, caller.personId, 'reauthentication', origin);
  return assertionOptions(relyingParty, challenge, passkeys);
}

/**
 * Checks the password and the second factor. Returns null if either is wrong or the password is missing. Throws
 * `second_factor_required` if a code is required but missing.
 */
async function checkPassword(
  context: PeopleContext,
  person: PersonRow,
  input: Reauthenticate,
  origin: RequestOrigin,
): Promise<{ readonly factor: SecondFactor | null } | null> {
  if (input.password === undefined) return null;
  if (!(await verifyPassphrase(person.password_hash, input.password, clientSubject(origin)))) return null;
  if (person.totp_enabled === 0) return { factor: null };
  if (input.code === undefined) throw secondFactorRequired();
  const factor = await checkSecondFactorCode(context, person, input.code);
  return factor === null ? null : { factor };
}

/** Throws `sign_in_failed` unless the session started recently with a sign-in at the provider or a sign-in link. */
async function requireFreshSignIn({ store, clock }: PeopleContext, caller: SignedInPerson): Promise<void> {
  const signIn = await findSessionSignIn(store.read, caller.sessionId);
  if (signIn !== undefined && signIn.fresh_until > clock()) return;
  throw new Problem('sign_in_failed', 'Sign in again with single sign-on to confirm that it is you.');
}

/** Confirms a password and consumes the second factor. Resolves to null on failure. */
function confirmPassword(
  context: PeopleContext,
  caller: SignedInPerson,
  person: PersonRow,
  input: Reauthenticate,
  origin: RequestOrigin,
): Promise<true | null> {
  const throttledAccount = personAccount(person.id);
  return throttleAttempt(context, throttledAccount, origin.address ?? '', {
    verify: () => checkPassword(context, person, input, origin),
    complete: ({ factor }) =>
      context.store.transaction(async (trx) => {
        await lockSignedInPerson(trx, caller);
        return factor === null || (await consumeSecondFactor(trx, person.id, factor)) ? true : null;
      }),
  });
}

/** Confirms the response of one of the person's passkeys and consumes its challenge. Resolves to null on failure. */
function confirmPasskey(
  context: PeopleContext,
  caller: SignedInPerson,
  person: PersonRow,
  assertion: NonNullable<Reauthenticate['passkey']>,
  relyingParty: () => RelyingParty,
  origin: RequestOrigin,
): Promise<true | null> {
  const { store, clock } = context;
  const throttledAccount = personAccount(person.id);
  return throttleAttempt(context, throttledAccount, origin.address ?? '', {
    async verify() {
      const passkey = await findPasskeyByCredentialId(store.read, assertion.id, relyingParty().rpId);
      if (passkey?.person_id !== person.id) return null;
      return { id: passkey.id, ...(await verifyPasskeyAssertion(assertion, passkey, relyingParty())) };
    },
    complete: ({ id, challenge, use }) =>
      store.transaction(async (trx) => {
        await lockSignedInPerson(trx, caller);
        // An invalid response also consumes the challenge, because returning null commits the transaction.
        if (!(await consumeChallenge(trx, challengeDigest('reauthentication', challenge), person.id, clock())))
          return null;
        return use !== null && (await advancePasskey(trx, id, { ...use, at: clock() })) ? true : null;
      }),
  });
}

/**
 * Reauthenticates a signed-in person with the same factors as a sign-in (ASVS 7.5.3): with the password and, if a
 * second factor is set, its current code or a recovery code; with a passkey; or with a recent sign-in at the provider
 * or by link. Returns the person as read before the check. Throws `sign_in_failed`, `second_factor_required`,
 * `rate_limited`, `invalid_token`, and `not_found` if the person was deleted.
 */
export async function reauthenticate(
  context: PeopleContext,
  caller: SignedInPerson,
  input: Reauthenticate,
  relyingParty: () => RelyingParty,
  origin: RequestOrigin,
): Promise<PersonRow> {
  const person = await findPerson(context.store.read, caller.personId);
  if (person === undefined) throw new Problem('not_found');
  if (input.singleSignOn === true) {
    await requireFreshSignIn(context, caller);
    return person;
  }
  const { passkey: assertion } = input;
  const confirmed =
    assertion === undefined
      ? await confirmPassword(context, caller, person, input, origin)
      : await confirmPasskey(context, caller, person, assertion, relyingParty, origin);
  if (confirmed !== null) return person;
  await recordSignInFailure(
    context,
    person,
    origin,
    assertion === undefined ? 'password_incorrect' : 'passkey_refused',
  );
  throw new Problem('sign_in_failed', 'Incorrect password, code or passkey.');
}
