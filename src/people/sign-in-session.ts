import type { RequestOrigin } from '../contract/audit.ts';
import { DURATIONS } from '../contract/limits.ts';
import { findIdentity, insertSessionSignIn, updateIdentity } from '../store/identities.ts';
import { lockPerson, type PersonRow } from '../store/people.ts';
import type { Trx } from '../store/store.ts';
import { type PeopleContext, refreshTokenIdentity } from './context.ts';
import { SingleSignOnError } from './oidc-provider.ts';
import { type CreatedSession, startSession } from './sessions.ts';

/** What a sign-in at the provider leads to, once a second factor was checked if it is needed. */
export interface AcceptedSignIn {
  readonly personId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  readonly providerSession: string | null;
  readonly isMultiFactor: boolean;
  /** Until when it confirms sensitive actions, epoch milliseconds. */
  readonly freshUntil: number;
  readonly refreshToken: string | null;
  /** When the provider's response was accepted, epoch milliseconds. */
  readonly acceptedAt: number;
}

/** When a sign-in no longer confirms sensitive actions; 0 if it never did. Pure. */
export function freshUntil(authenticatedAt: number | null, isFresh: boolean, now: number): number {
  const since = authenticatedAt ?? (isFresh ? now : null);
  return since === null ? 0 : Math.min(since, now) + DURATIONS.freshSignIn;
}

/**
 * Starts a session for a sign-in at the provider, inside a transaction. Throws `SingleSignOnError` if the account was
 * unlinked or the person disabled in the meantime.
 */
export async function startProviderSession(
  context: PeopleContext,
  trx: Trx,
  signIn: AcceptedSignIn,
  origin: RequestOrigin,
  detail: Readonly<Record<string, unknown>>,
): Promise<{ person: PersonRow; session: CreatedSession }> {
  const now = context.clock();
  const person = await lockPerson(trx, signIn.personId);
  const identity = await findIdentity(trx, signIn.issuer, signIn.subject);
  if (person === undefined || identity?.person_id !== person.id) throw new SingleSignOnError('refused', 'unlinked');
  if (person.disabled === 1) throw new SingleSignOnError('disabled');
  // What ends a person's access also ends a sign-in that waits for a second factor.
  if (signIn.acceptedAt < person.access_ended_at) throw new SingleSignOnError('expired');
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
      refreshToken === null ? null : context.seal.seal(refreshToken, refreshTokenIdentity({ session_id: session.id })),
    checked_at: now,
  });
  return { person, session };
}
