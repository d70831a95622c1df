import type { FastifyRequest } from 'fastify';
import type { CredentialRecord } from '../authorization/record.ts';
import type { AuditParty } from '../contract/audit.ts';
import { Problem, type RateState } from '../contract/problem.ts';
import type { CredentialKind, Role } from '../contract/vocabulary.ts';
import type { SignedInPerson } from '../people/context.ts';

export interface Membership {
  readonly workspaceId: string;
  readonly workspaceName: string;
  readonly slug: string;
  readonly memberId: string;
  readonly role: Role;
  /** Whether the workspace requires two-factor authentication and the person has not turned it on. */
  readonly needsSecondFactor: boolean;
}

export interface PersonPrincipal {
  readonly kind: 'person';
  readonly personId: string;
  readonly name: string;
  readonly email: string;
  readonly sessionId: string;
  readonly isOperator: boolean;
  /** Whether the request sent the session as a cookie, and not as a Bearer token. */
  readonly byCookie: boolean;
  /** Whether the session was started in a browser and not with the CLI, and the request sent it as a cookie. */
  readonly isBrowserSession: boolean;
  /**
   * The membership in the requested workspace or, if the request names none, in the last-used or first workspace of the
   * person; null if there is none.
   */
  readonly membership: Membership | null;
}

export interface CredentialPrincipal {
  readonly kind: CredentialKind;
  readonly record: CredentialRecord;
  /** The state of the credential's rate limit after this request; absent or null if it has none. */
  readonly rate?: RateState | null;
}

export type Principal = PersonPrincipal | CredentialPrincipal;

declare module 'fastify' {
  interface FastifyRequest {
    /** The principal of the request; null on public routes and before authentication. */
    principal: Principal | null;
  }
}

/** Returns the signed-in person of a request, for routes that require one. */
export function personOf(request: FastifyRequest): PersonPrincipal {
  const { principal } = request;
  if (principal?.kind !== 'person') throw new Problem('internal');
  return principal;
}

/** Returns the signed-in person of a request in the form that `people/` uses, for routes that require one. */
export function signedInOf(request: FastifyRequest): SignedInPerson {
  const { personId, name, email, sessionId } = personOf(request);
  return { personId, name, email, sessionId };
}

/** Returns the membership of the signed-in person, for routes that require a role. */
export function membershipOf(request: FastifyRequest): Membership {
  const { membership } = personOf(request);
  if (membership === null) throw new Problem('internal');
  return membership;
}

/** Returns the credential of a request, for routes that require one. */
export function credentialOf(request: FastifyRequest): CredentialPrincipal {
  const { principal } = request;
  if (principal === null || principal.kind === 'person') throw new Problem('internal');
  return principal;
}

/** An ID that no workspace has, so that nothing is found in it. */
const NO_WORKSPACE = '';

/**
 * Returns the ID of the workspace of a request: the workspace of the credential, or of the person's membership. If the
 * credential is restricted to projects and apps, and the route is about resources that belong to no app (`workspace` in
 * `ResourceAccess`), returns an ID that no workspace has.
 */
export function workspaceIdOf(request: FastifyRequest): string {
  const { principal } = request;
  if (principal === null) throw new Problem('internal');
  if (principal.kind === 'person') return membershipOf(request).workspaceId;
  const { restrictions, workspace } = principal.record;
  const isRestricted = (restrictions?.resources ?? null) !== null;
  return isRestricted && request.routeOptions.config.resourceAccess === 'workspace' ? NO_WORKSPACE : workspace.id;
}

/** Returns the ID of the person or credential that sent a request. */
export function principalIdOf({ principal }: FastifyRequest): string {
  if (principal === null) throw new Problem('internal');
  return principal.kind === 'person' ? principal.personId : principal.record.id;
}

export function auditPartyOf(principal: Principal): AuditParty {
  return principal.kind === 'person'
    ? { kind: 'person', id: principal.personId, name: principal.name }
    : { kind: principal.kind, id: principal.record.id, name: principal.record.name };
}
