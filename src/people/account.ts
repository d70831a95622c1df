import { generateSecret, generateURI } from 'otplib';
import { digestOf, digestToBytes, mintSecret } from '../authorization/secret.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import type { AuditAction } from '../contract/event-names.ts';
import { toIsoString } from '../contract/instant.ts';
import type { Person } from '../contract/people.ts';
import { Problem } from '../contract/problem.ts';
import {
  countRecoveryCodes,
  findPerson,
  type PersonRow,
  replaceRecoveryCodes,
  replaceSessionDigest,
  updatePerson,
} from '../store/people.ts';
import { endSessionsAndPendingSignIns } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';
import { personAccount, throttleAttempt } from './attempt-throttle.ts';
import {
  normalizeCode,
  type PeopleContext,
  personPartyOf,
  randomCode,
  recordForPerson,
  type SignedInPerson,
  sha256,
  totpAssociatedData,
} from './context.ts';
import { lockSignedInPerson } from './lock-session.ts';
import { hashChosenPassword } from './passwords.ts';
import { checkSecondFactorCode, consumeSecondFactor } from './second-factor.ts';
import { reauthenticateWithPassword } from './sessions.ts';
import { mayCreateWorkspaces } from './workspaces.ts';

const RECOVERY_CODE_COUNT = 10;
/** A code has 24 of these 32 characters, which is 120 bits, so a plain digest is safe to store (ASVS 6.5.2). */
const RECOVERY_CODE_ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const RECOVERY_CODE_LENGTH = 24;

export function serializePerson({ workspaces }: Pick<PeopleContext, 'workspaces'>, row: PersonRow): Person {
  const { id, name, email } = row;
  return {
    id,
    name,
    email,
    twoFactor: row.totp_enabled === 1,
    operator: row.operator === 1,
    canCreateWorkspaces: mayCreateWorkspaces(workspaces, row),
    createdAt: toIsoString(row.created_at),
  };
}

export async function requireCaller(context: PeopleContext, caller: SignedInPerson): Promise<PersonRow> {
  const person = await findPerson(context.store.read, caller.personId);
  if (person === undefined) throw new Problem('not_found');
  return person;
}

function recordOwnEvent(
  context: PeopleContext,
  trx: Trx,
  person: PersonRow,
  action: AuditAction,
  origin: RequestOrigin,
  detail: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const party = personPartyOf(person);
  return recordForPerson(trx, person.id, { action, at: context.clock(), actor: party, target: party, origin, detail });
}

/**
 * Locks the row of a person who has reauthenticated, and whose row at that time is `verified`. Throws `invalid_token`
 * if the session has ended, and `sign_in_failed` if the password or two-factor authentication has changed since then.
 */
async function lockIfUnchanged(trx: Trx, caller: SignedInPerson, verified: PersonRow): Promise<void> {
  const person = await lockSignedInPerson(trx, caller);
  if (person.password_hash === verified.password_hash && person.totp_enabled === verified.totp_enabled) return;
  throw new Problem('sign_in_failed', 'The password or two-factor authentication was just changed. Try again.');
}

/** Replaces the secret of the current session. The old secret is invalid once the transaction commits. */
async function rotateSessionSecret(trx: Trx, caller: SignedInPerson): Promise<string> {
  const secret = mintSecret('session');
  await replaceSessionDigest(trx, caller.personId, caller.sessionId, digestToBytes(digestOf(secret)));
  return secret;
}

export async function getMe(context: PeopleContext, caller: SignedInPerson): Promise<Person> {
  return serializePerson(context, await requireCaller(context, caller));
}

export async function updateMe(
  context: PeopleContext,
  caller: SignedInPerson,
  input: { name?: string | undefined },
  origin: RequestOrigin,
): Promise<Person> {
  const before = await requireCaller(context, caller);
  const name = input.name ?? before.name;
  if (name === before.name) return serializePerson(context, before);
  await context.store.transaction(async (trx) => {
    await updatePerson(trx, before.id, { name, updated_at: context.clock() });
    await recordOwnEvent(context, trx, { ...before, name }, 'person.updated', origin, {
      before: { name: before.name },
      after: { name },
    });
  });
  return serializePerson(context, { ...before, name });
}

/**
 * Changes the password, ends every other session and returns a new secret for the current session. Throws
 * `sign_in_failed` for a wrong current password, `rate_limited`, `invalid_token`, and `validation_failed` for a new
 * password that `hashChosenPassword` refuses.
 */
export async function changePassword(
  context: PeopleContext,
  caller: SignedInPerson,
  input: { currentPassword: string; newPassword: string },
  origin: RequestOrigin,
): Promise<string> {
  const person = await requireCaller(context, caller);
  await reauthenticateWithPassword(context, person, input.currentPassword, origin);
  const passwordHash = await hashChosenPassword('newPassword', input.newPassword, person, origin);
  return context.store.transaction(async (trx) => {
    await lockIfUnchanged(trx, caller, person);
    await updatePerson(trx, person.id, { password_hash: passwordHash, updated_at: context.clock() });
    const sessionsEnded = await endSessionsAndPendingSignIns(trx, person.id, caller.sessionId, context.clock());
    await recordOwnEvent(context, trx, person, 'person.password_changed', origin, { sessionsEnded });
    return rotateSessionSecret(trx, caller);
  });
}

export async function getTwoFactor(
  context: PeopleContext,
  caller: SignedInPerson,
): Promise<{ enabled: boolean; recoveryCodesLeft: number }> {
  const person = await requireCaller(context, caller);
  return {
    enabled: person.totp_enabled === 1,
    recoveryCodesLeft: await countRecoveryCodes(context.store.read, person.id),
  };
}

/**
 * Starts the two-factor setup of a person who has reauthenticated. The setup has no effect until it is confirmed.
 * Throws `conflict` if two-factor authentication is on, and the errors of `lockIfUnchanged`.
 */
export async function startTwoFactorSetup(
  context: PeopleContext,
  caller: SignedInPerson,
  person: PersonRow,
): Promise<{ secret: string; uri: string }> {
  if (person.totp_enabled === 1)
    throw new Problem('conflict', 'Two-factor authentication is already on. Turn it off first.');
  const secret = generateSecret();
  const sealed = context.seal.seal(secret, totpAssociatedData(person));
  await context.store.transaction(async (trx) => {
    await lockIfUnchanged(trx, caller, person);
    await updatePerson(trx, person.id, { totp_sealed: sealed, updated_at: context.clock() });
  });
  return { secret, uri: generateURI({ issuer: 'Devpilot', label: person.email, secret }) };
}

/** Returns ten single-use codes, written in groups of six characters, and their digests to store. */
function generateRecoveryCodes(): { codes: string[]; digests: Buffer[] } {
  const codes = Array.from({ length: RECOVERY_CODE_COUNT }, () =>
    randomCode(RECOVERY_CODE_LENGTH, RECOVERY_CODE_ALPHABET).replace(/.{6}(?=.)/g, '$&-'),
  );
  return { codes, digests: codes.map((code) => sha256(normalizeCode(code))) };
}

/**
 * Confirms a second factor with its first code, and ends every other session. Returns the recovery codes, which are not
 * shown again, and the session's new secret. Throws `sign_in_failed` for a wrong code, `conflict` if two-factor
 * authentication is on or no setup was started, `rate_limited` and `invalid_token`.
 */
export async function confirmTwoFactorSetup(
  context: PeopleContext,
  caller: SignedInPerson,
  code: string,
  origin: RequestOrigin,
): Promise<{ recoveryCodes: string[]; sessionSecret: string }> {
  const person = await requireCaller(context, caller);
  if (person.totp_enabled === 1) throw new Problem('conflict', 'Two-factor authentication is already on.');
  if (person.totp_sealed === null) {
    throw new Problem('conflict', 'No two-factor setup was started. Start it with POST /v1/me/two-factor.');
  }
  const throttledAccount = personAccount(person.id);
  const { codes, digests } = generateRecoveryCodes();
  const completed = await throttleAttempt(context, throttledAccount, origin.address ?? '', {
    async verify() {
      const factor = await checkSecondFactorCode(context, person, code);
      return factor !== null && 'step' in factor ? factor : null;
    },
    complete: (factor) =>
      context.store.transaction(async (trx) => {
        const current = await lockSignedInPerson(trx, caller);
        if (current.totp_sealed !== person.totp_sealed || current.totp_enabled === 1) return null;
        if (!(await consumeSecondFactor(trx, person.id, factor))) return null;
        await updatePerson(trx, person.id, { totp_enabled: 1, updated_at: context.clock() });
        await replaceRecoveryCodes(trx, person.id, digests);
        const sessionsEnded = await endSessionsAndPendingSignIns(trx, person.id, caller.sessionId, context.clock());
        await recordOwnEvent(context, trx, person, 'person.two_factor_enabled', origin, { sessionsEnded });
        return { recoveryCodes: codes, sessionSecret: await rotateSessionSecret(trx, caller) };
      }),
  });
  if (completed === null) throw new Problem('sign_in_failed', 'Incorrect code. Check the clock of your device.');
  return completed;
}

/**
 * Replaces the recovery codes of a person who has reauthenticated. Throws `conflict` if two-factor authentication is
 * off, and the errors of `lockIfUnchanged`.
 */
export async function replaceOwnRecoveryCodes(
  context: PeopleContext,
  caller: SignedInPerson,
  person: PersonRow,
  origin: RequestOrigin,
): Promise<string[]> {
  if (person.totp_enabled === 0) throw new Problem('conflict', 'Two-factor authentication is off.');
  const { codes, digests } = generateRecoveryCodes();
  await context.store.transaction(async (trx) => {
    await lockIfUnchanged(trx, caller, person);
    await replaceRecoveryCodes(trx, person.id, digests);
    await recordOwnEvent(context, trx, person, 'person.recovery_codes_created', origin);
  });
  return codes;
}

/**
 * Removes the second factor of a person who has reauthenticated, ends every other session and returns a new secret for
 * the current session. Throws the errors of `lockIfUnchanged`.
 */
export async function disableTwoFactor(
  context: PeopleContext,
  caller: SignedInPerson,
  person: PersonRow,
  origin: RequestOrigin,
): Promise<string> {
  return context.store.transaction(async (trx) => {
    await lockIfUnchanged(trx, caller, person);
    await updatePerson(trx, person.id, { totp_sealed: null, totp_enabled: 0, updated_at: context.clock() });
    await replaceRecoveryCodes(trx, person.id, []);
    const sessionsEnded = await endSessionsAndPendingSignIns(trx, person.id, caller.sessionId, context.clock());
    if (person.totp_enabled === 1) {
      await recordOwnEvent(context, trx, person, 'person.two_factor_disabled', origin, { sessionsEnded });
    }
    return rotateSessionSecret(trx, caller);
  });
}
