import { randomBytes } from 'node:crypto';
import { clientNetwork } from '../authorization/client-network.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import { DURATIONS, LIMITS } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import type { Passkey, PasskeyRegistration } from '../contract/passkeys.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import {
  consumeChallenge,
  countChallenges,
  countPasskeys,
  deletePasskey as deleteRow,
  findPasskey,
  insertChallenge,
  insertPasskey,
  listPasskeys,
  type PasskeyRow,
  renamePasskey,
} from '../store/passkeys.ts';
import { endSessionsAndPendingSignIns } from '../store/person-access.ts';
import { isUniqueViolation, type Trx } from '../store/store.ts';
import { requireCaller } from './account.ts';
import { type PeopleContext, personPartyOf, recordForPerson, type SignedInPerson } from './context.ts';
import { lockSignedInPerson } from './lock-session.ts';
import {
  type ChallengePurpose,
  challengeDigest,
  loadWebauthn,
  type RelyingParty,
  SUPPORTED_ALGORITHM_IDS,
  transportsOf,
  verifyPasskeyRegistration,
} from './webauthn.ts';

function serializePasskey(row: PasskeyRow): Passkey {
  const { id, name, backed_up, created_at, last_used_at } = row;
  return {
    id,
    name,
    backedUp: backed_up === 1,
    createdAt: toIsoString(created_at),
    lastUsedAt: toIsoStringOrNull(last_used_at),
  };
}

function recordPasskeyEvent(
  context: PeopleContext,
  trx: Trx,
  caller: SignedInPerson,
  passkey: { readonly id: string; readonly name: string },
  action: 'passkey.created' | 'passkey.updated' | 'passkey.deleted',
  origin: RequestOrigin,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  return recordForPerson(trx, caller.personId, {
    action,
    at: context.clock(),
    actor: personPartyOf({ id: caller.personId, name: caller.name }),
    target: { kind: 'passkey', id: passkey.id, name: passkey.name },
    origin,
    detail,
  });
}

/** Creates a challenge of 256 bits that is valid for one response within five minutes. Throws `rate_limited`. */
export async function createChallenge(
  context: PeopleContext,
  personId: string | null,
  purpose: ChallengePurpose,
  origin: RequestOrigin,
): Promise<Uint8Array<ArrayBuffer>> {
  const now = context.clock();
  const address = clientNetwork(origin.address ?? '');
  const challenge = new Uint8Array(randomBytes(32));
  await context.store.transaction(async (trx) => {
    if ((await countChallenges(trx, address, now)) >= LIMITS.passkeyChallenges.max) {
      throw new Problem('rate_limited', 'Too many requests for passkeys from this address.', {
        retryAfter: Math.ceil(DURATIONS.passkeyChallenge / 1000),
      });
    }
    const digest = challengeDigest(purpose, Buffer.from(challenge).toString('base64url'));
    await insertChallenge(trx, { digest, person_id: personId, address, expires_at: now + DURATIONS.passkeyChallenge });
  });
  return challenge;
}

export async function listOwnPasskeys(
  context: PeopleContext,
  caller: SignedInPerson,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Passkey>> {
  const page = readPageRequest(query, '-createdAt', 'number');
  const rows = await listPasskeys(context.store.read, caller.personId, page);
  const positionOf = (row: PasskeyRow) => ({ value: row.created_at, id: row.id });
  return toPage(rows, page.limit, '-createdAt', positionOf, serializePasskey);
}

/**
 * Starts the registration of a passkey for a person who has reauthenticated. Throws `conflict` if the person has the
 * maximum number of passkeys, and `rate_limited`.
 */
export async function startPasskeyRegistration(
  context: PeopleContext,
  caller: SignedInPerson,
  relyingParty: RelyingParty,
  origin: RequestOrigin,
): Promise<object> {
  const person = await requireCaller(context, caller);
  const { max } = LIMITS.passkeys;
  const existing = await listPasskeys(context.store.read, person.id, { limit: max, after: null });
  if (existing.length >= max)
    throw new Problem('conflict', `A person can have at most ${max} passkeys. Delete one first.`);
  const { generateRegistrationOptions } = await loadWebauthn();
  return generateRegistrationOptions({
    rpName: 'Devpilot',
    rpID: relyingParty.rpId,
    userID: new Uint8Array(Buffer.from(person.id)),
    userName: person.email,
    userDisplayName: person.name,
    challenge: await createChallenge(context, person.id, 'registration', origin),
    timeout: DURATIONS.passkeyChallenge,
    attestationType: 'none',
    supportedAlgorithmIDs: SUPPORTED_ALGORITHM_IDS,
    excludeCredentials: existing.map((row) => ({ id: row.credential_id, transports: transportsOf(row) })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  });
}

/**
 * Registers a passkey from the browser's response to a challenge, and ends every other session. Throws
 * `validation_failed` for an invalid response or a used challenge, and `conflict` if the passkey is already registered
 * or the person has the maximum number. Also throws `invalid_token`.
 */
export async function createPasskey(
  context: PeopleContext,
  caller: SignedInPerson,
  input: { name: string; response: PasskeyRegistration },
  relyingParty: RelyingParty,
  origin: RequestOrigin,
): Promise<Passkey> {
  const { store, clock } = context;
  const verified = await verifyPasskeyRegistration(input.response, relyingParty);
  const now = clock();
  const outcome = await store.transaction(async (trx) => {
    await lockSignedInPerson(trx, caller);
    const digest = challengeDigest('registration', verified.challenge);
    if (!(await consumeChallenge(trx, digest, caller.personId, now))) return 'challenge_used';
    // The outcomes from here on are returned, not thrown, so that the transaction commits the use of the challenge.
    // Only an already registered passkey throws.
    if (verified.passkey === null) return 'invalid_response';
    if ((await countPasskeys(trx, caller.personId)) >= LIMITS.passkeys.max) return 'too_many';
    const { id, publicKey, counter, transports, backedUp } = verified.passkey;
    const row: PasskeyRow = {
      id: createId('passkey', now),
      person_id: caller.personId,
      name: input.name,
      credential_id: id,
      public_key: publicKey,
      counter,
      transports: JSON.stringify(transports),
      backed_up: backedUp ? 1 : 0,
      rp_id: relyingParty.rpId,
      created_at: now,
      last_used_at: null,
    };
    try {
      await insertPasskey(trx, row);
    } catch (error) {
      if (isUniqueViolation(error)) throw new Problem('conflict', 'This passkey was already added.');
      throw error;
    }
    const sessionsEnded = await endSessionsAndPendingSignIns(trx, caller.personId, caller.sessionId, now);
    await recordPasskeyEvent(context, trx, caller, row, 'passkey.created', origin, { sessionsEnded });
    return serializePasskey(row);
  });
  if (outcome === 'challenge_used')
    throw invalidField('response', 'must respond to one of your challenges that is neither used nor expired');
  if (outcome === 'invalid_response') throw invalidField('response', 'must be a valid response to the challenge');
  if (outcome === 'too_many')
    throw new Problem('conflict', `A person can have at most ${LIMITS.passkeys.max} passkeys.`);
  return outcome;
}

/** Renames a passkey. Throws `not_found` if it does not belong to the person. */
export async function updatePasskey(
  context: PeopleContext,
  caller: SignedInPerson,
  id: string,
  name: string,
  origin: RequestOrigin,
): Promise<Passkey> {
  return context.store.transaction(async (trx) => {
    const before = await findPasskey(trx, caller.personId, id);
    if (before === undefined) throw new Problem('not_found', 'The passkey was not found.');
    if (before.name === name) return serializePasskey(before);
    await renamePasskey(trx, caller.personId, id, name);
    const detail = { before: { name: before.name }, after: { name } };
    await recordPasskeyEvent(context, trx, caller, { id, name }, 'passkey.updated', origin, detail);
    return serializePasskey({ ...before, name });
  });
}

/**
 * Deletes a passkey of a person who has reauthenticated, and ends every other session. When this resolves, the passkey
 * can no longer be used to sign in. Throws `not_found` and `invalid_token`.
 */
export async function deletePasskey(
  context: PeopleContext,
  caller: SignedInPerson,
  id: string,
  origin: RequestOrigin,
): Promise<void> {
  await context.store.transaction(async (trx) => {
    await lockSignedInPerson(trx, caller);
    const row = await findPasskey(trx, caller.personId, id);
    if (row === undefined || !(await deleteRow(trx, caller.personId, id))) {
      throw new Problem('not_found', 'The passkey was not found.');
    }
    const sessionsEnded = await endSessionsAndPendingSignIns(trx, caller.personId, caller.sessionId, context.clock());
    await recordPasskeyEvent(context, trx, caller, row, 'passkey.deleted', origin, { sessionsEnded });
  });
}
