import type { RequestOrigin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import { toIsoString } from '../contract/instant.ts';
import { DURATIONS, SECOND } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { answerDeviceCode, deleteDeviceCode, findDeviceCode, insertDeviceCode, recordPoll } from '../store/devices.ts';
import { findSessionSignIn, insertSessionSignIn } from '../store/identities.ts';
import { lockPerson } from '../store/people.ts';
import type { DeviceCodeTable } from '../store/schema/people.ts';
import { checkFailureLimit, clientSubject, personSubject, recordFailure } from './attempt-throttle.ts';
import {
  normalizeCode,
  type PeopleContext,
  personPartyOf,
  randomCode,
  recordForPerson,
  type SignedInPerson,
  sha256,
} from './context.ts';
import { lockSignedInPerson } from './lock-session.ts';
import { startSession } from './sessions.ts';

/**
 * Twenty consonants, so that codes contain no words and no confusable characters (RFC 8628, section 6.1). A code of
 * eight has 34 bits, and a code is valid for 15 minutes.
 */
const USER_CODE_ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Returns a stored user code in the form in which it is shown, such as `BCDF-GHJK`. */
function formatUserCode(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

function oauthError(error: string, detail: string): Problem {
  return new Problem('invalid_request', detail, { error });
}

/**
 * Starts a device's sign-in (RFC 8628, section 3.1). The person who approves it sees `clientName`. Throws
 * `rate_limited`.
 */
export async function startDeviceAuthorization(
  context: PeopleContext,
  clientName: string,
  origin: RequestOrigin,
): Promise<{ deviceCode: string; userCode: string }> {
  const now = context.clock();
  const subject = clientSubject(origin, 'device');
  await checkFailureLimit(context, subject);
  // Every request counts as a failure, which limits how many codes one client can create.
  await recordFailure(context, subject);
  const deviceCode = randomCode(43);
  const userCode = randomCode(8, USER_CODE_ALPHABET);
  await context.store.transaction((trx) =>
    insertDeviceCode(trx, {
      id: createId('device', now),
      device_digest: sha256(deviceCode),
      user_code: userCode,
      client: clientName,
      address: origin.address,
      person_id: null,
      session_id: null,
      status: 'pending',
      last_polled_at: 0,
      created_at: now,
      expires_at: now + DURATIONS.deviceCode,
    }),
  );
  return { deviceCode, userCode: formatUserCode(userCode) };
}

/**
 * Responds to a device's poll (RFC 8628, sections 3.4 and 3.5). Throws `invalid_request` with an error code of the RFC
 * in `error`: `authorization_pending`, `slow_down`, `expired_token`, `access_denied`, or `invalid_grant` for an unknown
 * or used code and if the person who approved it was disabled.
 */
export async function pollDeviceToken(
  context: PeopleContext,
  deviceCode: string,
  origin: RequestOrigin,
): Promise<{ secret: string; endsAt: number }> {
  const { store, clock } = context;
  const now = clock();
  const row = await findDeviceCode(store.read, { digest: sha256(deviceCode) });
  if (row === undefined) throw oauthError('invalid_grant', 'The device code was not found.');
  if (row.expires_at <= now) throw oauthError('expired_token', 'The device code has expired. Start again.');
  if (row.status === 'denied') throw oauthError('access_denied', 'The request was denied.');
  if (row.status === 'pending') {
    const tooSoon = now - row.last_polled_at < DURATIONS.devicePoll - SECOND;
    await store.transaction((trx) => recordPoll(trx, row.id, now));
    if (tooSoon) throw oauthError('slow_down', 'Polled too soon. Wait longer between polls.');
    throw oauthError('authorization_pending', 'The request has not been approved yet.');
  }
  return store.transaction(async (trx) => {
    const person = row.person_id === null ? undefined : await lockPerson(trx, row.person_id);
    if (person === undefined || person.disabled === 1 || !(await deleteDeviceCode(trx, row.id))) {
      throw oauthError(
        'invalid_grant',
        'The device code was already used, or the person who approved it was disabled.',
      );
    }
    const session = await startSession(trx, person, 'device', origin, now, { client: row.client });
    // The device's session inherits the single sign-on details of the session that approved it, so that the provider
    // ends both sessions and the factors count for both.
    const signIn = row.session_id === null ? undefined : await findSessionSignIn(trx, row.session_id);
    if (signIn !== undefined) {
      await insertSessionSignIn(trx, { ...signIn, session_id: session.id, refresh_token_sealed: null, fresh_until: 0 });
    }
    return session;
  });
}

async function requirePendingRequest(context: PeopleContext, userCode: string): Promise<DeviceCodeTable> {
  const row = await findDeviceCode(context.store.read, { userCode: normalizeCode(userCode) });
  if (row === undefined || row.status !== 'pending' || row.expires_at <= context.clock()) {
    throw new Problem('not_found', 'The code is wrong or has expired, or the request was already approved or denied.');
  }
  return row;
}

/** Returns the details of a device code that the web UI shows for approval. Throws `not_found` and `rate_limited`. */
export async function getDeviceRequest(context: PeopleContext, caller: SignedInPerson, userCode: string) {
  const subject = personSubject(caller.personId, 'device code');
  await checkFailureLimit(context, subject);
  try {
    const row = await requirePendingRequest(context, userCode);
    return {
      userCode: formatUserCode(row.user_code),
      client: row.client,
      address: row.address,
      createdAt: toIsoString(row.created_at),
      expiresAt: toIsoString(row.expires_at),
    };
  } catch (error) {
    await recordFailure(context, subject);
    throw error;
  }
}

/**
 * Approves or denies a device as the signed-in person. Throws `invalid_token`, and `not_found` if the request is no
 * longer pending or was created before all access of the person was last ended.
 */
export async function decideDeviceRequest(
  context: PeopleContext,
  caller: SignedInPerson,
  userCode: string,
  decision: 'approved' | 'denied',
  origin: RequestOrigin,
): Promise<void> {
  const row = await requirePendingRequest(context, userCode);
  await context.store.transaction(async (trx) => {
    const person = await lockSignedInPerson(trx, caller);
    if (row.created_at <= person.access_ended_at || !(await answerDeviceCode(trx, row.id, caller, decision))) {
      throw new Problem(
        'not_found',
        'The request has expired or was already approved or denied. Start again on the device.',
      );
    }
    await recordForPerson(trx, caller.personId, {
      action: `device.${decision}`,
      at: context.clock(),
      actor: personPartyOf({ id: caller.personId, name: caller.name }),
      target: { kind: 'device', id: row.id, name: row.client },
      origin,
      detail: {},
    });
  });
}
