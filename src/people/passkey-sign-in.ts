import type { RequestOrigin } from '../contract/audit.ts';
import type { PasskeyAssertion } from '../contract/passkeys.ts';
import { Problem } from '../contract/problem.ts';
import { advancePasskey, consumeChallenge, findPasskeyByCredentialId } from '../store/passkeys.ts';
import { findPerson, lockPerson, type PersonRow } from '../store/people.ts';
import { personAccount, throttleAttempt, unknownAccount } from './attempt-throttle.ts';
import { type PeopleContext, refuseIfPasswordsOff } from './context.ts';
import { createChallenge } from './passkeys.ts';
import { type CreatedSession, recordSignInFailure, refuseDisabled, startSession } from './sessions.ts';
import { assertionOptions, challengeDigest, type RelyingParty, verifyPasskeyAssertion } from './webauthn.ts';

/**
 * Starts a sign-in with any passkey that the browser has for this host. Throws `rate_limited`, and `forbidden` while
 * passwords are off.
 */
export async function startPasskeySignIn(
  context: PeopleContext,
  relyingParty: RelyingParty,
  origin: RequestOrigin,
): Promise<object> {
  refuseIfPasswordsOff(context);
  return assertionOptions(relyingParty, await createChallenge(context, null, 'sign-in', origin));
}

/**
 * Signs a person in with a passkey. Because it requires user verification, no second factor is needed. Throws the same
 * `sign_in_failed` for an unknown passkey, an invalid response, a used challenge and a counter that did not increase.
 * Also throws `rate_limited`, and `forbidden` for a disabled account and while passwords are off.
 */
export async function signInWithPasskey(
  context: PeopleContext,
  response: PasskeyAssertion,
  relyingParty: RelyingParty,
  origin: RequestOrigin,
): Promise<{ person: PersonRow; session: CreatedSession }> {
  const { store, clock } = context;
  refuseIfPasswordsOff(context);
  const passkey = await findPasskeyByCredentialId(store.read, response.id, relyingParty.rpId);
  const person = passkey === undefined ? undefined : await findPerson(store.read, passkey.person_id);
  const throttledAccount = person === undefined ? unknownAccount(`passkey ${response.id}`) : personAccount(person.id);
  let reason = 'passkey_refused';

  const session = await throttleAttempt(context, throttledAccount, origin.address ?? '', {
    verify: () => verifyPasskeyAssertion(response, passkey, relyingParty),
    complete: ({ challenge, use }) =>
      store.transaction(async (trx) => {
        // An invalid response also consumes the challenge, because returning null commits the transaction.
        if (!(await consumeChallenge(trx, challengeDigest('sign-in', challenge), null, clock()))) return null;
        const current = person === undefined ? undefined : await lockPerson(trx, person.id);
        if (use === null || current === undefined || passkey === undefined || person === undefined) return null;
        if (!(await advancePasskey(trx, passkey.id, { ...use, at: clock() }))) {
          reason = 'passkey_counter_went_back';
          return null;
        }
        refuseDisabled(current);
        return startSession(trx, person, 'browser', origin, clock(), { passkey: passkey.name });
      }),
  });
  if (session !== null && person !== undefined) return { person, session };
  await recordSignInFailure(context, person, origin, reason);
  throw new Problem('sign_in_failed', 'The passkey is unknown, or its response is invalid.');
}
