import type { RequestOrigin } from '../contract/audit.ts';
import { DURATIONS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { insertSessionSignIn } from '../store/identities.ts';
import { consumePasswordReset, findPasswordReset } from '../store/password-resets.ts';
import { findPerson, lockPerson, type PersonRow } from '../store/people.ts';
import { checkFailureLimit, clientSubject, personAccount, recordFailure, throttleAttempt } from './attempt-throttle.ts';
import { type PeopleContext, sha256 } from './context.ts';
import { checkSecondFactorCode, consumeSecondFactor, secondFactorRequired } from './second-factor.ts';
import { type CreatedSession, recordSignInFailure, refuseDisabled, startSession } from './sessions.ts';

/**
 * Signs a person in with a single-use link from an operator, which restores access when the provider cannot be used.
 * Throws `forbidden` for a disabled account and unless passwords are off, `not_found`, `second_factor_required`,
 * `sign_in_failed` and `rate_limited`.
 */
export async function signInWithLink(
  context: PeopleContext,
  input: { readonly link: string; readonly code?: string | undefined },
  origin: RequestOrigin,
): Promise<{ person: PersonRow; session: CreatedSession }> {
  const { store, clock } = context;
  if (context.passwords === 'on')
    throw new Problem('forbidden', 'This link resets a password. It cannot be used to sign in.');
  const client = clientSubject(origin, 'password reset code');
  await checkFailureLimit(context, client);
  const digest = sha256(input.link);
  const reset = await findPasswordReset(store.read, digest, clock());
  const person = reset === undefined ? undefined : await findPerson(store.read, reset.person_id);
  const invalidLink = new Problem('not_found', 'This link was already used or has expired. Ask for a new one.');
  if (person === undefined) {
    await recordFailure(context, client);
    throw invalidLink;
  }
  if (person.totp_enabled === 1 && input.code === undefined) throw secondFactorRequired();
  const throttledAccount = personAccount(person.id);
  const session = await throttleAttempt(context, throttledAccount, origin.address ?? '', {
    verify: async () =>
      person.totp_enabled === 0 ? 'none' : await checkSecondFactorCode(context, person, input.code ?? ''),
    complete: (factor) =>
      store.transaction(async (trx) => {
        const current = await lockPerson(trx, person.id);
        if (current === undefined || current.totp_enabled !== person.totp_enabled) return null;
        refuseDisabled(current);
        if (factor !== 'none' && !(await consumeSecondFactor(trx, person.id, factor))) return null;
        if (!(await consumePasswordReset(trx, digest, clock()))) throw invalidLink;
        const started = await startSession(trx, person, 'browser', origin, clock(), { signInLink: true });
        await insertSessionSignIn(trx, {
          session_id: started.id,
          identity_id: null,
          provider_session: null,
          multi_factor: 0,
          fresh_until: clock() + DURATIONS.freshSignIn,
          refresh_token_sealed: null,
          checked_at: clock(),
        });
        return started;
      }),
  });
  if (session !== null) return { person, session };
  await recordSignInFailure(context, person, origin, 'sign_in_failed');
  throw new Problem('sign_in_failed', 'Incorrect code.');
}
