import { createHash } from 'node:crypto';
import type { DenialBuffer } from '../audit/denials.ts';
import { appendToEachLog, SYSTEM_ACTOR, SYSTEM_LOG } from '../audit/log.ts';
import type { RequestContext } from '../audit/request-context.ts';
import type { FailureLimiter } from '../authorization/failure-limiter.ts';
import type { KeyedMutex } from '../authorization/keyed-mutex.ts';
import type { WaitForConfirmation } from '../authorization/registry.ts';
import type { AuditDraft, AuditParty, RequestOrigin } from '../contract/audit.ts';
import { Problem } from '../contract/problem.ts';
import { BASE62 } from '../contract/vocabulary.ts';
import type { Seal } from '../store/seal.ts';
import type { Store, Trx } from '../store/store.ts';
import { listWorkspaceIds } from '../store/workspaces.ts';
import type { BackgroundQueue } from './background-queue.ts';
import type { Mailer } from './mail.ts';
import type { OidcProvider } from './oidc-provider.ts';

/** Dependencies of the functions in `src/people/`. */
export interface PeopleContext {
  readonly store: Store;
  readonly clock: () => number;
  readonly seal: Seal;
  readonly denials: DenialBuffer;
  /** Resolves when no node accepts the revoked credentials any longer. */
  readonly waitForConfirmation: WaitForConfirmation;
  readonly failures: {
    /** Failed sign-ins and reauthentications per account. */
    readonly signIn: FailureLimiter;
    /** Failures per `FailureSubject`, such as a client's network. */
    readonly acrossAccounts: FailureLimiter;
    /** Runs the attempts (`throttleAttempt`) and sign-ups of one client (`clientNetwork`) one at a time. */
    readonly clientMutex: KeyedMutex;
  };
  /** Who may sign up: only people with an invitation, or everyone. */
  readonly signUp: 'invite' | 'open';
  /** Whether people may sign in with passwords and passkeys. */
  readonly passwords: 'on' | 'off';
  /**
   * The OpenID Connect provider, and whether everyone with a verified email address there may sign up; null if there is
   * no provider.
   */
  readonly singleSignOn: { readonly provider: OidcProvider; readonly signUp: boolean } | null;
  /** Who may create workspaces. */
  readonly workspaces: 'operators' | 'anyone';
  /** Public URL of the web UI, without a trailing slash. */
  readonly publicUrl: () => string;
  readonly mail: Mailer | null;
  /** Queue for work that responses do not wait for. */
  readonly background: BackgroundQueue;
}

/** Throws `forbidden` while single sign-on is the only way to sign in. */
export function refuseIfPasswordsOff({ passwords, singleSignOn }: PeopleContext): void {
  if (passwords === 'on') return;
  throw new Problem(
    'forbidden',
    `Passwords and passkeys are turned off on this server. Sign in with ${singleSignOn?.provider.name ?? 'single sign-on'}.`,
  );
}

/** The signed-in person who makes a request. */
export interface SignedInPerson {
  readonly personId: string;
  readonly name: string;
  readonly email: string;
  readonly sessionId: string;
}

export function personPartyOf(person: { readonly id: string; readonly name: string }): AuditParty {
  return { kind: 'person', id: person.id, name: person.name };
}

export function memberPartyOf(member: { readonly id: string; readonly name: string }): AuditParty {
  return { kind: 'member', id: member.id, name: member.name };
}

/** Returns the associated data that binds an encrypted TOTP key to its person, so that no other row can use it. */
export const totpAssociatedData = (person: { readonly id: string }) => `totp ${person.id}`;

/** Returns the associated data that binds an encrypted refresh token to its session. */
export const refreshTokenAssociatedData = (row: { readonly session_id: string }) => `refresh token ${row.session_id}`;

/** Returns an email address in the form used for comparison: NFC, trimmed, lower case. */
export function emailKey(email: string): string {
  return email.normalize('NFC').trim().toLowerCase();
}

/** Returns a code that a person has typed in the form used for comparison: upper case, without separators. */
export function normalizeCode(code: string): string {
  return code.replace(/[\s-]/g, '').toUpperCase();
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Returns random characters of an alphabet. A base62 character has almost 6 bits. */
export function randomCode(length: number, alphabet: string = BASE62): string {
  let code = '';
  // Larger bytes are skipped, because they would make the first characters of the alphabet more likely.
  const unbiasedCount = 256 - (256 % alphabet.length);
  while (code.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < unbiasedCount && code.length < length) code += alphabet.charAt(byte % alphabet.length);
    }
  }
  return code;
}

/**
 * Records an event that concerns a person rather than one workspace: in the log of each workspace of the person, or in
 * the system log if there are none.
 */
export async function recordForPerson(
  trx: Trx,
  personId: string,
  draft: Omit<AuditDraft, 'workspaceId' | 'credential'>,
): Promise<void> {
  const workspaceIds = await listWorkspaceIds(trx, personId);
  const logs = workspaceIds.length === 0 ? [SYSTEM_LOG] : workspaceIds;
  await appendToEachLog(trx, logs, { ...draft, credential: null });
}

/**
 * Records an event that concerns a person and the operators: in the system log and in the log of each workspace of the
 * person.
 */
export async function recordForPersonAndOperators(
  trx: Trx,
  personId: string,
  draft: Omit<AuditDraft, 'workspaceId' | 'credential'>,
): Promise<void> {
  const logs = [SYSTEM_LOG, ...(await listWorkspaceIds(trx, personId))];
  await appendToEachLog(trx, logs, { ...draft, credential: null });
}

/** Records that the server ended a session. `reason` is why: the provider ended it, or passwords were turned off. */
export function recordSessionEnded(
  trx: Trx,
  session: { readonly sessionId: string; readonly personId: string },
  reason: 'provider' | 'passwords_off',
  origin: RequestOrigin,
  now: number,
): Promise<void> {
  return recordForPerson(trx, session.personId, {
    action: 'session.deleted',
    at: now,
    actor: SYSTEM_ACTOR,
    target: { kind: 'session', id: session.sessionId, name: null },
    origin,
    detail: { reason },
  });
}

/** Returns the ID of the person who makes a change. Throws `forbidden` if the actor is not a person. */
export function actingPersonId({ actor }: RequestContext): string {
  if (actor.kind !== 'person' || actor.id === null) throw new Problem('forbidden');
  return actor.id;
}
