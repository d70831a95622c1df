import type { RequestOrigin } from '../contract/audit.ts';
import { DURATIONS } from '../contract/limits.ts';
import { findIdentity, type IdentityRow, insertSessionSignIn, updateIdentity } from '../store/identities.ts';
import { lockPerson, type PersonRow } from '../store/people.ts';
import type { Trx } from '../store/store.ts';
import { type PeopleContext, refreshTokenAssociatedData } from './context.ts';
import { applyGroupRoles } from './group-roles.ts';
import type { Claims } from './oidc-claims.ts';
import { SingleSignOnError } from './oidc-provider.ts';
import { type CreatedSession, startSession } from './sessions.ts';

/** A verified sign-in at the provider. If a second factor is required, a session starts only after it was checked. */
export interface AcceptedSignIn {
  readonly personId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  readonly providerSession: string | null;
  readonly isMultiFactor: boolean;
  /** Until when the sign-in counts as reauthentication for sensitive actions, in epoch milliseconds. */
  readonly freshUntil: number;
  readonly refreshToken: string | null;
  /** When the provider's response was accepted, in epoch milliseconds. */
  readonly acceptedAt: number;
  /** The person's claims, which determine the roles that their groups grant. */
  readonly claims: Claims;
}

/**
 * Returns until when a sign-in counts as reauthentication, in epoch milliseconds; 0 if it does not count.
 * `wasForced` is whether the provider was told to authenticate the person again. Pure.
 */
export function freshUntil(authenticatedAt: number | null, wasForced: boolean, now: number): number {
  const since = authenticatedAt ?? (wasForced ? now : null);
  return since === null ? 0 : Math.min(since, now) + DURATIONS.freshSignIn;
}

/**
 * Locks the person of a sign-in, and returns the person and the identity. Throws `SingleSignOnError` if, since the
 * sign-in was accepted, the account was unlinked, the person was disabled or all their access was ended.
 */
export async function lockAcceptedSignIn(
  trx: Trx,
  signIn: AcceptedSignIn,
): Promise<{ person: PersonRow; identity: IdentityRow }> {
  const person = await lockPerson(trx, signIn.personId);
  const identity = await findIdentity(trx, signIn.issuer, signIn.subject);
  if (person === undefined || identity?.person_id !== person.id) throw new SingleSignOnError('refused', 'unlinked');
  if (person.disabled === 1) throw new SingleSignOnError('disabled');
  // Ending a person's access also ends a sign-in that waits for a second factor.
  if (signIn.acceptedAt < person.access_ended_at) throw new SingleSignOnError('expired');
  return { person, identity };
}

/** Starts a session for a sign-in at the provider, inside a transaction. Throws `SingleSignOnError`. */
async function startProviderSession(
  context: PeopleContext,
  trx: Trx,
  signIn: AcceptedSignIn,
  origin: RequestOrigin,
  detail: Readonly<Record<string, unknown>>,
): Promise<{ person: PersonRow; session: CreatedSession }> {
  const now = context.clock();
  const { person, identity } = await lockAcceptedSignIn(trx, signIn);
  await updateIdentity(trx, identity.id, { email: signIn.email, last_used_at: now });
  const session = await startSession(trx, person, 'browser', origin, now, {
    singleSignOn: context.singleSignOn?.provider.name ?? null,
    ...detail,
  });
  const { refreshToken } = signIn;
  await insertSessionSignIn(trx, {
    session_id: session.id,
    identity_id: identity.id,
    provider_session: signIn.providerSession,
    multi_factor: signIn.isMultiFactor ? 1 : 0,
    fresh_until: signIn.freshUntil,
    refresh_token_sealed:
      refreshToken === null
        ? null
        : context.seal.seal(refreshToken, refreshTokenAssociatedData({ session_id: session.id })),
    checked_at: now,
  });
  return { person, session };
}

/**
 * Completes a sign-in at the provider after all factors were checked: applies the roles of the person's groups and
 * starts a session. Throws `SingleSignOnError` if the sign-in is no longer valid.
 */
export async function completeProviderSignIn(
  context: PeopleContext,
  signIn: Omit<AcceptedSignIn, 'acceptedAt'>,
  origin: RequestOrigin,
  detail: Readonly<Record<string, unknown>>,
): Promise<{ person: PersonRow; session: CreatedSession }> {
  // Must precede the start of the session: if the person loses their last workspace, all their sessions end.
  await applyGroupRoles(context, { id: signIn.personId }, signIn.claims, origin);
  const current = { ...signIn, acceptedAt: context.clock() };
  return context.store.transaction((trx) => startProviderSession(context, trx, current, origin, detail));
}
