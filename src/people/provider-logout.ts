import type { RequestOrigin } from '../contract/audit.ts';
import { Problem } from '../contract/problem.ts';
import {
  deleteIdentitySessions,
  findIdentity,
  findIdentityIdsOfProviderSession,
  insertSingleUse,
} from '../store/identities.ts';
import { deleteAnsweredDeviceCodes } from '../store/person-access.ts';
import type { Trx } from '../store/store.ts';
import { checkFailureLimit, clientSubject, recordFailure } from './attempt-throttle.ts';
import { type PeopleContext, recordSessionEnded, sha256 } from './context.ts';
import type { LogoutToken } from './oidc-logout-token.ts';
import { SingleSignOnError } from './oidc-provider.ts';
import { requireProvider } from './single-sign-on.ts';

/** Returns the IDs of the identities whose sessions a logout token ends. */
async function findIdentityIds(trx: Trx, { issuer, subject, providerSession }: LogoutToken): Promise<string[]> {
  if (subject === null) return findIdentityIdsOfProviderSession(trx, issuer, providerSession ?? '');
  const identity = await findIdentity(trx, issuer, subject);
  return identity === undefined ? [] : [identity.id];
}

async function endSessions(
  context: PeopleContext,
  trx: Trx,
  logout: LogoutToken,
  identityId: string,
  origin: RequestOrigin,
): Promise<void> {
  const sessionFilter = logout.providerSession === null ? {} : { providerSession: logout.providerSession };
  const ended = await deleteIdentitySessions(trx, { identityId, ...sessionFilter });
  const [first] = ended;
  if (first === undefined) return;
  await deleteAnsweredDeviceCodes(trx, first.personId);
  for (const session of ended) await recordSessionEnded(trx, session, 'provider', origin, context.clock());
}

/**
 * Verifies a logout token, and counts an invalid token as a failure of the client. Throws `invalid_request`,
 * `unavailable` and `rate_limited`.
 */
async function verifyToken(context: PeopleContext, token: string, origin: RequestOrigin): Promise<LogoutToken> {
  const client = clientSubject(origin, 'logout token');
  await checkFailureLimit(context, client);
  try {
    return await requireProvider(context).verifyLogoutToken(token);
  } catch (error) {
    if (!(error instanceof SingleSignOnError)) throw error;
    if (error.reason === 'unavailable') throw new Problem('unavailable', 'The provider cannot be reached.');
    await recordFailure(context, client);
    throw new Problem('invalid_request', 'The logout token is not valid.', { error: 'invalid_request' });
  }
}

/**
 * Ends the sessions that a logout token names, immediately on every node (OpenID Connect Back-Channel Logout 1.0). A
 * token works once. Throws `invalid_request`, `unavailable`, `not_found` and `rate_limited`.
 */
export async function endProviderSessions(context: PeopleContext, token: string, origin: RequestOrigin): Promise<void> {
  const logout = await verifyToken(context, token, origin);
  const key = `logout ${sha256(JSON.stringify([logout.issuer, logout.jti])).toString('hex')}`;
  await context.store.transaction(async (trx) => {
    if (!(await insertSingleUse(trx, { key, content: null, expires_at: logout.acceptedUntil }))) {
      throw new Problem('invalid_request', 'The logout token was already used.', { error: 'invalid_request' });
    }
    for (const identityId of await findIdentityIds(trx, logout)) {
      await endSessions(context, trx, logout, identityId, origin);
    }
  });
}
