import type { Origin } from '../contract/audit.ts';
import { Problem } from '../contract/problem.ts';
import type { ProveItIsMe } from '../contract/schemas.ts';
import { SPANS } from '../contract/words.ts';
import { verifyPassphrase } from '../credentials/passphrase.ts';
import { advancePasskey, consumeChallenge, findPasskey, listPasskeys } from '../store/passkeys.ts';
import { findPerson, type PersonRow } from '../store/people.ts';
import { lockSignedIn } from './access.ts';
import type { PeopleContext, SignedIn } from './context.ts';
import { openChallenge } from './passkeys.ts';
import { consumeSecondFactor, noteFailure, readSecondFactor, type SecondFactor } from './sessions.ts';
import { clientSubject, throttled } from './throttle.ts';
import { challengeDigest, type Site, transportsOf, verifyShownPasskey, webauthn } from './webauthn.ts';

/** Begins to prove with an own passkey: what to hand to the browser. Throws `rate_limited`. */
export async function startPasskeyProof(
  context: PeopleContext,
  who: SignedIn,
  site: Site,
  origin: Origin,
): Promise<Record<string, unknown>> {
  const { generateAuthenticationOptions } = await webauthn();
  const own = await listPasskeys(context.store.read, who.personId, { limit: 200, after: null });
  return {
    ...(await generateAuthenticationOptions({
      rpID: site.rpId,
      challenge: await openChallenge(context, who.personId, 'proof', origin),
      timeout: SPANS.passkeyChallenge,
      userVerification: 'required',
      allowCredentials: own.map((row) => ({ id: row.credential_id, transports: transportsOf(row) as never })),
    })),
  };
}

/** Null where the password or the code is wrong. Throws `second_factor_required` where a code is needed and none was sent. */
async function readPassword(
  context: PeopleContext,
  person: PersonRow,
  proof: ProveItIsMe,
  origin: Origin,
): Promise<{ readonly factor: SecondFactor | null } | null> {
  if (proof.password === undefined) return null;
  if (!(await verifyPassphrase(person.password_hash, proof.password, clientSubject(origin)))) return null;
  if (person.totp_enabled === 0) return { factor: null };
  if (proof.code === undefined) {
    throw new Problem('second_factor_required', 'Send `code` too: from the authenticator app, or a recovery code.');
  }
  const factor = await readSecondFactor(context, person, proof.code);
  return factor === null ? null : { factor };
}

/**
 * Has a signed-in person prove anew, as strongly as at sign-in, that it is them (ASVS 7.5.3): with the password and,
 * where a second factor is set, its current code; or with a passkey. Returns the person as they were then. Throws
 * `sign_in_failed`, `second_factor_required`, `rate_limited`, `invalid_token`.
 */
export async function proveItIsMe(
  context: PeopleContext,
  who: SignedIn,
  proof: ProveItIsMe,
  site: () => Site,
  origin: Origin,
): Promise<PersonRow> {
  const { store, clock } = context;
  const person = await findPerson(store.read, who.personId);
  if (person === undefined) throw new Problem('not_found');
  const account = { subject: `sign_in ${person.id}`, personId: person.id };
  const { passkey: shown } = proof;
  const proven =
    shown === undefined
      ? await throttled(context, account, origin.address ?? '', {
          prove: () => readPassword(context, person, proof, origin),
          act: ({ factor }) =>
            store.transaction(async (trx) => {
              await lockSignedIn(trx, who);
              return factor === null || (await consumeSecondFactor(trx, person.id, factor)) ? true : null;
            }),
        })
      : await throttled(context, account, origin.address ?? '', {
          async prove() {
            const passkey = await findPasskey(store.read, shown.id, site().rpId);
            if (passkey?.person_id !== person.id) return null;
            return { id: passkey.id, ...(await verifyShownPasskey(shown, passkey, site())) };
          },
          act: ({ id, challenge, use }) =>
            store.transaction(async (trx) => {
              await lockSignedIn(trx, who);
              // A challenge is spent by a wrong answer too: to return null commits that.
              if (!(await consumeChallenge(trx, challengeDigest('proof', challenge), person.id, clock()))) return null;
              return use !== null && (await advancePasskey(trx, id, { ...use, at: clock() })) ? true : null;
            }),
        });
  if (proven !== null) return person;
  await noteFailure(context, person, origin, shown === undefined ? 'password_incorrect' : 'passkey_refused');
  throw new Problem('sign_in_failed', 'The password, the code or the passkey is not right.');
}
