import type { Origin } from '../contract/audit.ts';
import { createId } from '../contract/id.ts';
import { Problem } from '../contract/problem.ts';
import { SECOND, SPANS } from '../contract/words.ts';
import { answerDeviceCode, deleteDeviceCode, findDeviceCode, insertDeviceCode, notePoll } from '../store/devices.ts';
import { lockPerson } from '../store/people.ts';
import type { DeviceCodeTable } from '../store/schema.ts';
import { lockSignedIn } from './access.ts';
import { instant, type PeopleContext, partyOf, randomCode, recordForPerson, type SignedIn, sha256 } from './context.ts';
import { startSession } from './sessions.ts';
import { clientSubject, countStranger, personSubject, throttleStranger } from './throttle.ts';

/** Twenty consonants: no words, nothing mistaken (RFC 8628, section 6.1); eight of them carry 34 bits for 15 minutes. */
const USER_CODE_ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** A user code as it is compared: without what people put between its halves. */
function plainUserCode(code: string): string {
  return code.replace(/[\s-]/g, '').toUpperCase();
}

function oauthError(error: string, detail: string): Problem {
  return new Problem('invalid_request', detail, { error });
}

/** Begins a device's sign-in (RFC 8628, section 3.1). Throws `rate_limited`. */
export async function startDevice(
  context: PeopleContext,
  client: string,
  origin: Origin,
): Promise<{ deviceCode: string; userCode: string }> {
  const now = context.clock();
  const subject = clientSubject(origin, 'device');
  await throttleStranger(context, subject);
  await countStranger(context, subject);
  const deviceCode = randomCode(43);
  const userCode = randomCode(8, USER_CODE_ALPHABET);
  await context.store.transaction((trx) =>
    insertDeviceCode(trx, {
      id: createId('device', now),
      device_digest: sha256(deviceCode),
      user_code: userCode,
      client,
      address: origin.address,
      person_id: null,
      status: 'pending',
      last_polled_at: 0,
      created_at: now,
      expires_at: now + SPANS.deviceCode,
    }),
  );
  return { deviceCode, userCode: `${userCode.slice(0, 4)}-${userCode.slice(4)}` };
}

/**
 * Answers a device's poll (RFC 8628, sections 3.4 and 3.5). Throws `invalid_request` with the RFC's
 * word in `error`: `authorization_pending`, `slow_down`, `expired_token`, `access_denied`, `invalid_grant`.
 */
export async function pollDevice(
  context: PeopleContext,
  deviceCode: string,
  origin: Origin,
): Promise<{ secret: string; endsAt: number }> {
  const { store, clock } = context;
  const now = clock();
  const found = await findDeviceCode(store.read, { digest: sha256(deviceCode) });
  if (found === undefined) throw oauthError('invalid_grant', 'There is no such device code.');
  if (found.expires_at <= now) throw oauthError('expired_token', 'The device code has expired. Begin again.');
  if (found.status === 'denied') throw oauthError('access_denied', 'The request was denied.');
  if (found.status === 'pending') {
    const tooSoon = now - found.last_polled_at < SPANS.devicePoll - SECOND;
    await store.transaction((trx) => notePoll(trx, found.id, now));
    if (tooSoon) throw oauthError('slow_down', 'Wait longer between two polls.');
    throw oauthError('authorization_pending', 'Nobody has answered the request yet.');
  }
  return store.transaction(async (trx) => {
    const person = found.person_id === null ? undefined : await lockPerson(trx, found.person_id);
    if (person === undefined || person.disabled === 1 || !(await deleteDeviceCode(trx, found.id))) {
      throw oauthError('invalid_grant', 'The device code was used before.');
    }
    return startSession(trx, person, 'device', origin, now, { client: found.client });
  });
}

async function pendingRequest(context: PeopleContext, userCode: string): Promise<DeviceCodeTable> {
  const found = await findDeviceCode(context.store.read, { userCode: plainUserCode(userCode) });
  if (found === undefined || found.status !== 'pending' || found.expires_at <= context.clock()) {
    throw new Problem('not_found', 'There is no request with this code, or it has expired or was answered.');
  }
  return found;
}

/** What the page shows before someone approves. Throws `not_found`, `rate_limited`. */
export async function findDeviceRequest(context: PeopleContext, who: SignedIn, userCode: string) {
  const subject = personSubject(who.personId, 'device code');
  await throttleStranger(context, subject);
  try {
    const found = await pendingRequest(context, userCode);
    return {
      userCode: `${found.user_code.slice(0, 4)}-${found.user_code.slice(4)}`,
      client: found.client,
      address: found.address,
      createdAt: instant(found.created_at),
      expiresAt: instant(found.expires_at),
    };
  } catch (error) {
    await countStranger(context, subject);
    throw error;
  }
}

/**
 * Approves or denies a device as the signed-in person. A code from before all access of the person was last ended
 * cannot be approved any more. Throws `not_found`, `invalid_token`.
 */
export async function answerDevice(
  context: PeopleContext,
  who: SignedIn,
  userCode: string,
  verdict: 'approved' | 'denied',
  origin: Origin,
): Promise<void> {
  const found = await pendingRequest(context, userCode);
  await context.store.transaction(async (trx) => {
    const person = await lockSignedIn(trx, who);
    if (found.created_at <= person.access_ended_at || !(await answerDeviceCode(trx, found.id, who.personId, verdict))) {
      throw new Problem('not_found', 'The request has ended or was answered meanwhile. Begin again on the device.');
    }
    await recordForPerson(trx, who.personId, {
      action: `device.${verdict}`,
      at: context.clock(),
      actor: partyOf({ id: who.personId, name: who.name }),
      target: { kind: 'device', id: found.id, name: found.client },
      origin,
      detail: {},
    });
  });
}
