import type { Origin } from '../contract/audit.ts';
import { Problem } from '../contract/problem.ts';
import type { ShownPasskey } from '../contract/schemas.ts';
import { SPANS } from '../contract/words.ts';
import { advancePasskey, consumeChallenge, findPasskey } from '../store/passkeys.ts';
import { findPerson, lockPerson, type PersonRow } from '../store/people.ts';
import { type PeopleContext, sha256 } from './context.ts';
import { openChallenge } from './passkeys.ts';
import { type NewSession, noteFailure, refuseDisabled, startSession } from './sessions.ts';
import { throttled } from './throttle.ts';
import { challengeDigest, type Site, verifyShownPasskey, webauthn } from './webauthn.ts';

/** Begins a sign-in with any passkey that the browser has for this host. Throws `rate_limited`. */
export async function startPasskeySignIn(
  context: PeopleContext,
  site: Site,
  origin: Origin,
): Promise<Record<string, unknown>> {
  const { generateAuthenticationOptions } = await webauthn();
  return {
    ...(await generateAuthenticationOptions({
      rpID: site.rpId,
      challenge: await openChallenge(context, null, 'sign-in', origin),
      timeout: SPANS.passkeyChallenge,
      userVerification: 'required',
    })),
  };
}

/**
 * Signs a person in with a passkey: held and unlocked by them, so a whole sign-in by itself. Throws
 * `sign_in_failed` alike for an unknown passkey, an answer that does not hold, a spent challenge and a
 * counter that did not go on; `rate_limited`.
 */
export async function signInWithPasskey(
  context: PeopleContext,
  response: ShownPasskey,
  site: Site,
  origin: Origin,
): Promise<{ person: PersonRow; session: NewSession }> {
  const { store, clock } = context;
  const passkey = await findPasskey(store.read, response.id, site.rpId);
  const person = passkey === undefined ? undefined : await findPerson(store.read, passkey.person_id);
  const subject = `sign_in ${person?.id ?? sha256(`passkey ${response.id}`).toString('hex')}`;
  let reason = 'passkey_refused';

  const account = { subject, personId: person?.id ?? null };
  const session = await throttled(context, account, origin.address ?? '', {
    prove: () => verifyShownPasskey(response, passkey, site),
    act: ({ challenge, use }) =>
      store.transaction(async (trx) => {
        // A challenge is spent by a wrong answer too: to return null commits that.
        if (!(await consumeChallenge(trx, challengeDigest('sign-in', challenge), null, clock()))) return null;
        const now = person === undefined ? undefined : await lockPerson(trx, person.id);
        if (use === null || now === undefined || passkey === undefined || person === undefined) return null;
        if (!(await advancePasskey(trx, passkey.id, { ...use, at: clock() }))) {
          reason = 'passkey_counter_went_back';
          return null;
        }
        refuseDisabled(now);
        return startSession(trx, person, 'browser', origin, clock(), { passkey: passkey.name });
      }),
  });
  if (session !== null && person !== undefined) return { person, session };
  await noteFailure(context, person, origin, reason);
  throw new Problem('sign_in_failed', 'The passkey is not known here, or its answer did not hold.');
}
