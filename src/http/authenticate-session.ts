import type { FastifyRequest } from 'fastify';
import { digestOf, digestToBytes, secretKindOf } from '../authorization/secret.ts';
import { DURATIONS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import type { Role } from '../contract/vocabulary.ts';
import { findSignedInPerson, type SignedInPersonRow } from '../store/people.ts';
import { listWorkspaceIds } from '../store/workspaces.ts';
import type { AppContext } from './app-context.ts';
import { clientAddressOf } from './client-address.ts';
import type { RequestCredentials } from './credentials-from-request.ts';
import type { Membership, PersonPrincipal } from './principal.ts';
import { requestedWorkspace } from './requested-workspace.ts';

function membershipFromRow(row: SignedInPersonRow): Membership | null {
  const { workspace_id, workspace_name, workspace_slug, member_id, role } = row;
  if (workspace_id === null || workspace_name === null || workspace_slug === null) return null;
  if (member_id === null || role === null) return null;
  return {
    workspaceId: workspace_id,
    workspaceName: workspace_name,
    slug: workspace_slug,
    memberId: member_id,
    role: role as Role,
    needsSecondFactor: row.needs_second_factor === 1,
  };
}

function isActiveSession(row: SignedInPersonRow, now: number): boolean {
  return row.ends_at > now && row.last_used_at > now - DURATIONS.sessionIdle;
}

/**
 * Returns the person of a session, with their membership in the requested workspace. Throws `invalid_token`, and
 * `rate_limited` after too many requests with unknown sessions from the client's address.
 */
export async function authenticateSession(
  context: AppContext,
  request: FastifyRequest,
  sessionCredentials: Extract<RequestCredentials, { kind: 'session' }>,
): Promise<PersonPrincipal> {
  const { store, people, sessionActivity, unknownSessionLimiter, clock } = context;
  const sessionEnded = new Problem('invalid_token', 'The session has ended. Sign in again.');
  if (secretKindOf(sessionCredentials.secret) !== 'session') throw sessionEnded;
  const digest = digestToBytes(digestOf(sessionCredentials.secret));
  const requestedIdOrSlug = requestedWorkspace(request);

  unknownSessionLimiter.check(clientAddressOf(request), clock());
  let row = await findSignedInPerson(store, digest, requestedIdOrSlug);
  if (row === undefined) unknownSessionLimiter.count(clientAddressOf(request), clock());
  if (row === undefined || !isActiveSession(row, clock())) throw sessionEnded;
  // Sessions that were started with a password stop working when passwords are turned off.
  if (people.passwords === 'off' && row.without_password === 0) throw sessionEnded;
  // Without a requested workspace, use the last-used one or, if the person is no longer a member of it, their first
  // one.
  if (requestedIdOrSlug === null) {
    const lastId = sessionActivity.lastWorkspace(row.person_id);
    if (lastId !== null && lastId !== row.workspace_id) row = (await findSignedInPerson(store, digest, lastId)) ?? row;
    if (row.role === null) {
      const [firstId] = await listWorkspaceIds(store.read, row.person_id);
      if (firstId !== undefined) row = (await findSignedInPerson(store, digest, firstId)) ?? row;
    }
  }
  sessionActivity.touch(
    row,
    requestedIdOrSlug === null ? null : (membershipFromRow(row)?.workspaceId ?? null),
    clock(),
  );
  return {
    kind: 'person',
    personId: row.person_id,
    name: row.person_name,
    email: row.person_email,
    sessionId: row.session_id,
    isOperator: row.person_operator === 1,
    byCookie: sessionCredentials.byCookie,
    isBrowserSession: sessionCredentials.byCookie && row.session_kind === 'browser',
    membership: membershipFromRow(row),
  };
}
