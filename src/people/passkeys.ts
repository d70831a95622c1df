import { randomBytes } from 'node:crypto';
import type { Origin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { NewPasskey, Page, Passkey } from '../contract/schemas.ts';
import { LIMITS, SPANS } from '../contract/words.ts';
import { clientNetwork } from '../credentials/client-network.ts';
import { endAccess } from '../store/access.ts';
import { cutPage, pageAsk } from '../store/paging.ts';
import {
  consumeChallenge,
  countChallenges,
  countPasskeys,
  deletePasskey as deleteRow,
  findOwnPasskey,
  insertChallenge,
  insertPasskey,
  listPasskeys,
  type PasskeyRow,
  renamePasskey,
} from '../store/passkeys.ts';
import { isUniqueViolation, type Trx } from '../store/store.ts';
import { lockSignedIn } from './access.ts';
import { findOwn } from './account.ts';
import { instant, type PeopleContext, partyOf, recordForPerson, type SignedIn } from './context.ts';
import {
  ALGORITHMS,
  type ChallengePurpose,
  challengeDigest,
  type Site,
  transportsOf,
  verifyNewPasskey,
  webauthn,
} from './webauthn.ts';

function showPasskey(row: PasskeyRow): Passkey {
  const { id, name, backed_up, created_at, last_used_at } = row;
  return {
    id,
    name,
    backedUp: backed_up === 1,
    createdAt: instant(created_at),
    lastUsedAt: last_used_at === null ? null : instant(last_used_at),
  };
}

function record(
  context: PeopleContext,
  trx: Trx,
  who: SignedIn,
  passkey: { readonly id: string; readonly name: string },
  action: 'passkey.created' | 'passkey.updated' | 'passkey.deleted',
  origin: Origin,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  return recordForPerson(trx, who.personId, {
    action,
    at: context.clock(),
    actor: partyOf({ id: who.personId, name: who.name }),
    target: { kind: 'passkey', id: passkey.id, name: passkey.name },
    origin,
    detail,
  });
}

/** Makes a challenge of 256 bits that is good for one answer within five minutes. Throws `rate_limited`. */
export async function openChallenge(
  context: PeopleContext,
  personId: string | null,
  purpose: ChallengePurpose,
  origin: Origin,
): Promise<Uint8Array<ArrayBuffer>> {
  const now = context.clock();
  const address = clientNetwork(origin.address ?? '');
  const challenge = new Uint8Array(randomBytes(32));
  await context.store.transaction(async (trx) => {
    if ((await countChallenges(trx, address, now)) >= LIMITS.passkeyChallenges.max) {
      throw new Problem('rate_limited', 'Too many passkey sign-ins have begun at this address.', {
        retryAfter: Math.ceil(SPANS.passkeyChallenge / 1000),
      });
    }
    const digest = challengeDigest(purpose, Buffer.from(challenge).toString('base64url'));
    await insertChallenge(trx, { digest, person_id: personId, address, expires_at: now + SPANS.passkeyChallenge });
  });
  return challenge;
}

export async function listOwnPasskeys(
  context: PeopleContext,
  who: SignedIn,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Passkey>> {
  const page = pageAsk(query, '-createdAt', 'number');
  const rows = await listPasskeys(context.store.read, who.personId, page);
  const placeOf = (row: PasskeyRow) => ({ value: row.created_at, id: row.id });
  return cutPage(rows, page.limit, '-createdAt', placeOf, showPasskey);
}

/** Begins to add a passkey for a person who has proven to be them. Throws `conflict` for one too many, `rate_limited`. */
export async function startPasskey(
  context: PeopleContext,
  who: SignedIn,
  site: Site,
  origin: Origin,
): Promise<Record<string, unknown>> {
  const person = await findOwn(context, who);
  const { max } = LIMITS.passkeys;
  const known = await listPasskeys(context.store.read, person.id, { limit: max, after: null });
  if (known.length >= max) throw new Problem('conflict', `A person has at most ${max} passkeys. Delete one first.`);
  const { generateRegistrationOptions } = await webauthn();
  return {
    ...(await generateRegistrationOptions({
      rpName: 'Devpilot',
      rpID: site.rpId,
      userID: new Uint8Array(Buffer.from(person.id)),
      userName: person.email,
      userDisplayName: person.name,
      challenge: await openChallenge(context, person.id, 'registration', origin),
      timeout: SPANS.passkeyChallenge,
      attestationType: 'none',
      supportedAlgorithmIDs: ALGORITHMS,
      excludeCredentials: known.map((row) => ({ id: row.credential_id, transports: transportsOf(row) })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    })),
  };
}

/**
 * Adds a passkey from the browser's answer to a challenge, and ends every other session.
 * Throws `validation_failed` for an answer that does not hold or whose challenge is spent, `conflict`.
 */
export async function createPasskey(
  context: PeopleContext,
  who: SignedIn,
  input: { name: string; response: NewPasskey },
  site: Site,
  origin: Origin,
): Promise<Passkey> {
  const { store, clock } = context;
  const verified = await verifyNewPasskey(input.response, site);
  const now = clock();
  const done = await store.transaction(async (trx) => {
    await lockSignedIn(trx, who);
    const digest = challengeDigest('registration', verified.challenge);
    if (!(await consumeChallenge(trx, digest, who.personId, now))) return 'spent';
    // The challenge stays spent: nothing is thrown from here on but for a passkey that is there already.
    if (verified.credential === null) return 'refused';
    if ((await countPasskeys(trx, who.personId)) >= LIMITS.passkeys.max) return 'too many';
    const { id, publicKey, counter, transports, backedUp } = verified.credential;
    const row: PasskeyRow = {
      id: createId('passkey', now),
      person_id: who.personId,
      name: input.name,
      credential_id: id,
      public_key: publicKey,
      counter,
      transports: JSON.stringify(transports),
      backed_up: backedUp ? 1 : 0,
      rp_id: site.rpId,
      created_at: now,
      last_used_at: null,
    };
    try {
      await insertPasskey(trx, row);
    } catch (error) {
      if (isUniqueViolation(error)) throw new Problem('conflict', 'This passkey is there already.');
      throw error;
    }
    const sessionsEnded = await endAccess(trx, who.personId, who.sessionId, now);
    await record(context, trx, who, row, 'passkey.created', origin, { sessionsEnded });
    return showPasskey(row);
  });
  if (done === 'spent') throw invalidField('response', 'answers a challenge that is used, expired or not yours');
  if (done === 'refused') throw invalidField('response', 'is not a valid answer to the challenge');
  if (done === 'too many') throw new Problem('conflict', `A person has at most ${LIMITS.passkeys.max} passkeys.`);
  return done;
}

/** Throws `not_found` for one that is not the person's own. */
export async function updatePasskey(
  context: PeopleContext,
  who: SignedIn,
  id: string,
  name: string,
  origin: Origin,
): Promise<Passkey> {
  return context.store.transaction(async (trx) => {
    const before = await findOwnPasskey(trx, who.personId, id);
    if (before === undefined) throw new Problem('not_found', 'You have no such passkey.');
    if (before.name === name) return showPasskey(before);
    await renamePasskey(trx, who.personId, id, name);
    const detail = { before: { name: before.name }, after: { name } };
    await record(context, trx, who, { id, name }, 'passkey.updated', origin, detail);
    return showPasskey({ ...before, name });
  });
}

/**
 * Deletes a passkey of a person who has proven to be them, and ends every other session. From the moment this
 * resolves the passkey signs nobody in. Throws `not_found`.
 */
export async function deletePasskey(context: PeopleContext, who: SignedIn, id: string, origin: Origin): Promise<void> {
  await context.store.transaction(async (trx) => {
    await lockSignedIn(trx, who);
    const row = await findOwnPasskey(trx, who.personId, id);
    if (row === undefined || !(await deleteRow(trx, who.personId, id))) {
      throw new Problem('not_found', 'You have no such passkey.');
    }
    const sessionsEnded = await endAccess(trx, who.personId, who.sessionId, context.clock());
    await record(context, trx, who, row, 'passkey.deleted', origin, { sessionsEnded });
  });
}
