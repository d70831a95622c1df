import type { FastifyRequest } from 'fastify';
import { Problem } from '../contract/problem.ts';
import { ROLE_RANK, type Role } from '../contract/vocabulary.ts';
import { type Access, requirementOf } from './access.ts';
import type { AppContext } from './app-context.ts';
import { describeAcceptedKinds } from './decision-problem.ts';
import { auditPartyOf, type Membership, type PersonPrincipal } from './principal.ts';
import { originOf } from './request-context.ts';
import { requestedWorkspace, workspaceNotFound } from './requested-workspace.ts';

/** The error if the policy of a workspace requires two-factor authentication, and the person has not turned it on. */
export function secondFactorNeeded(): Problem {
  return new Problem(
    'second_factor_needed',
    'This workspace requires two-factor authentication. Turn it on in your account, then try again.',
  );
}

/** The error if a person's role, which is admin or member, is not sufficient. */
function insufficientRole(requiredRole: Role, role: Role): Problem {
  const requiredPerson = requiredRole === 'owner' ? 'the owner' : 'an owner or admin';
  const actualPerson = role === 'admin' ? 'an admin' : 'a member';
  return new Problem('forbidden', `This requires ${requiredPerson} of the workspace; you are ${actualPerson}.`);
}

/**
 * Checks a person against the access of a route. A route that requires a role also requires a second factor if the
 * policy of the workspace does. Throws `wrong_credential_kind`, `not_found`, `second_factor_needed`, `forbidden`.
 */
export function authorizePerson(
  context: AppContext,
  request: FastifyRequest,
  person: PersonPrincipal,
  access: Access,
): void {
  if ('public' in access) return;
  if ('any' in access) {
    // A request that names a workspace must not be processed without that workspace.
    if (person.membership === null && requestedWorkspace(request) !== null) throw workspaceNotFound();
    return;
  }
  if (access.person === 'signed_in') return;
  if (access.person === undefined) {
    const acceptedKinds = describeAcceptedKinds(requirementOf(access), false);
    throw new Problem('wrong_credential_kind', `This route requires ${acceptedKinds}, not a session.`);
  }
  if (access.person === 'operator') {
    if (person.isOperator) return;
    throw new Problem('forbidden', 'This requires an operator of this server.');
  }
  if (person.membership === null) throw workspaceNotFound();
  if (person.membership.needsSecondFactor) throw secondFactorNeeded();
  if (ROLE_RANK[person.membership.role] >= ROLE_RANK[access.person]) return;
  throw recordRoleDenial(context, request, person, person.membership, access.person);
}

/** Records that a person's role in a workspace is not sufficient, and returns the error `forbidden`. */
export function recordRoleDenial(
  context: AppContext,
  request: FastifyRequest,
  person: PersonPrincipal,
  { role, workspaceId }: Pick<Membership, 'role' | 'workspaceId'>,
  requiredRole: Role,
): Problem {
  context.denials.add({
    workspaceId,
    action: 'person.denied',
    actor: auditPartyOf(person),
    credential: null,
    reason: `${request.method} ${request.routeOptions.url ?? ''}`,
    origin: originOf(request),
    at: context.clock(),
  });
  return insufficientRole(requiredRole, role);
}

/**
 * Checks a person's role where only some uses of a route require it. Throws `not_found` if the person is not
 * a member of the workspace, and `forbidden` if their role is too low; records that denial. Does not check credentials,
 * which have scopes or permissions instead of roles.
 */
export function requireRole(context: AppContext, request: FastifyRequest, requiredRole: Role): void {
  const { principal } = request;
  if (principal?.kind !== 'person' || hasRole(request, requiredRole)) return;
  const { membership } = principal;
  if (membership === null) throw workspaceNotFound();
  throw recordRoleDenial(context, request, principal, membership, requiredRole);
}

/** Whether the person who sent a request has at least this role. True for a request with an authorized credential. */
export function hasRole({ principal }: FastifyRequest, requiredRole: Role): boolean {
  if (principal?.kind !== 'person') return principal !== null;
  return principal.membership !== null && ROLE_RANK[principal.membership.role] >= ROLE_RANK[requiredRole];
}
