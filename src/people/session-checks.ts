import type { RequestOrigin } from '../contract/audit.ts';
import { DURATIONS, MINUTE } from '../contract/limits.ts';
import {
  claimSessionCheck,
  deleteEndedSession,
  listSessionsToCheck,
  type RefreshableSession,
  updateRefreshToken,
} from '../store/identities.ts';
import { findPerson } from '../store/people.ts';
import { deleteAnsweredDeviceCodes } from '../store/person-access.ts';
import { type PeopleContext, recordSessionEnded, refreshTokenAssociatedData } from './context.ts';
import { applyGroupRoles } from './group-roles.ts';
import { isSameIssuer, type ProviderSignIn, SingleSignOnError } from './oidc-provider.ts';

/** Maximum number of sessions that a node checks per round, so that a round ends soon. */
const SESSIONS_PER_ROUND = 20;
/** Time after which an unsuccessful check is repeated. */
const RETRY_MS = 5 * MINUTE;
const NO_ORIGIN: RequestOrigin = { address: null, userAgent: null, requestId: null };

/** Ends a session that the provider has ended, and the sessions of devices that were approved in it. */
async function endSession(context: PeopleContext, session: RefreshableSession): Promise<void> {
  await context.store.transaction(async (trx) => {
    const ended = await deleteEndedSession(trx, session);
    if (ended.length === 0) return;
    await deleteAnsweredDeviceCodes(trx, session.person_id);
    for (const sessionId of ended) {
      const endedSession = { sessionId, personId: session.person_id };
      await recordSessionEnded(trx, endedSession, 'provider', NO_ORIGIN, context.clock());
    }
  });
}

/**
 * Returns the refreshed sign-in, null if the session must end, or undefined if the provider neither confirmed nor ended
 * it.
 */
async function refresh(
  { singleSignOn, seal }: PeopleContext,
  session: RefreshableSession,
): Promise<ProviderSignIn | null | undefined> {
  if (singleSignOn === null || !isSameIssuer(session.issuer, singleSignOn.provider.issuer)) return null;
  const token = seal.open(session.refresh_token_sealed, refreshTokenAssociatedData(session));
  try {
    return await singleSignOn.provider.refresh(token, session.subject);
  } catch (error) {
    if (!(error instanceof SingleSignOnError)) throw error;
    return error.reason === 'expired' ? null : undefined;
  }
}

async function checkSession(context: PeopleContext, session: RefreshableSession): Promise<void> {
  const { store, clock, seal } = context;
  const now = clock();
  // An unsuccessful check leaves the session with this time, so it is due again after `RETRY_MS`.
  const checkedAt = now - DURATIONS.sessionCheck + RETRY_MS;
  const claimed = await store.transaction((trx) =>
    claimSessionCheck(trx, session.session_id, session.checked_at, checkedAt),
  );
  if (!claimed) return;
  const signIn = await refresh(context, session);
  if (signIn === undefined) return;
  if (signIn === null) return endSession(context, session);
  const sealed = seal.seal(signIn.refreshToken ?? '', refreshTokenAssociatedData(session));
  await store.transaction((trx) => updateRefreshToken(trx, session.session_id, sealed, now));
  const person = await findPerson(store.read, session.person_id);
  if (person !== undefined) await applyGroupRoles(context, person, signIn.account.claims, NO_ORIGIN);
}

/**
 * Uses the refresh tokens of sessions that the provider has not confirmed for an hour, to end the sessions that the
 * provider has ended and to apply the roles of the groups that people are in now. Each session is checked by one node.
 * If the provider cannot be reached, nothing changes.
 */
export async function checkProviderSessions(context: PeopleContext): Promise<void> {
  if (context.singleSignOn === null) return;
  const before = context.clock() - DURATIONS.sessionCheck;
  for (const session of await listSessionsToCheck(context.store.read, before, SESSIONS_PER_ROUND)) {
    await checkSession(context, session);
  }
}
