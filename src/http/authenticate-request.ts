import type { FastifyRequest } from 'fastify';
import type { AuthenticationResult } from '../authorization/authenticate.ts';
import { decide } from '../authorization/decision.ts';
import type { CredentialRecord } from '../authorization/record.ts';
import { GUARD_REQUIREMENT, type Requirement, requireAll, requireAny } from '../authorization/rights.ts';
import { digestBytes, digestOf, secretKindOf } from '../authorization/secret.ts';
import type { AuditParty, RequestOrigin } from '../contract/audit.ts';
import { DURATIONS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import {
  type CredentialKind,
  HEADERS,
  type Permission,
  ROLE_RANK,
  type Role,
  type Scope,
} from '../contract/vocabulary.ts';
import { findSignedInPerson, type SignedInPersonRow } from '../store/people.ts';
import { findWorkspaceById, workspaceIdsOf } from '../store/workspaces.ts';
import type { AppContext } from './app-context.ts';
import { parseSessionCookies, type RequestCredentials, readCredentials } from './credentials-from-request.ts';
import { problemOfDecision } from './decision-problem.ts';
import { requireOwnOrigin } from './public-origin.ts';
import { sessionCookieName } from './security-headers.ts';

/**
 * What a route requires, declared beside its handler. A kind of principal that is not listed is refused. `signed_in`
 * accepts any signed-in person, with or without a workspace; `operator` accepts people who administer the installation;
 * a role accepts members of the requested workspace with at least that role. `any` accepts every authenticated
 * principal.
 */
export type Access =
  | {
      readonly public: true;
      /**
       * The CORS headers for requests from other origins. If set, the session cookie is ignored: the browser sends it
       * for any page.
       */
      readonly cors?: Readonly<Record<string, string>>;
    }
  | { readonly any: true }
  | {
      readonly person?: 'signed_in' | 'operator' | Role;
      /** Any one of these scopes is sufficient. */
      readonly token?: readonly Scope[];
      /** Any one of these permissions is sufficient. */
      readonly key?: readonly Permission[];
    }
  /** API keys with the permission `read` and the flag `guard`. */
  | { readonly guard: true; readonly person?: undefined; readonly token?: undefined; readonly key: readonly ['read'] };

export interface Membership {
  readonly workspaceId: string;
  readonly workspaceName: string;
  readonly slug: string;
  readonly memberId: string;
  readonly role: Role;
}

export interface PersonPrincipal {
  readonly kind: 'person';
  readonly personId: string;
  readonly name: string;
  readonly email: string;
  readonly sessionId: string;
  readonly operator: boolean;
  readonly byCookie: boolean;
  /** Whether the session belongs to a browser and not to the command line, regardless of how it is sent. */
  readonly isBrowserSession: boolean;
  readonly membership: Membership | null;
}
export interface CredentialPrincipal {
  readonly kind: CredentialKind;
  readonly record: CredentialRecord;
}
export type Principal = PersonPrincipal | CredentialPrincipal;

/** What an access requires of credentials. Computed once per route. */
export function requirementOf(access: Access): Requirement {
  if ('public' in access) return { access_token: null, api_key: null };
  if ('any' in access) return { access_token: requireAll('access_token', []), api_key: requireAll('api_key', []) };
  if ('guard' in access) return { access_token: null, api_key: GUARD_REQUIREMENT };
  return {
    access_token: access.token === undefined ? null : requireAny('access_token', access.token),
    api_key: access.key === undefined ? null : requireAny('api_key', access.key),
  };
}

export function originOf(request: FastifyRequest): RequestOrigin & { readonly address: string } {
  return { address: request.ip, userAgent: request.headers['user-agent'] ?? null, requestId: request.id };
}

export function auditPartyOf(principal: Principal): AuditParty {
  return principal.kind === 'person'
    ? { kind: 'person', id: principal.personId, name: principal.name }
    : { kind: principal.kind, id: principal.record.id, name: principal.record.name };
}

/** Whether a request is sent with a body, which may still be arriving. */
export function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses an unsafe request that carries the session cookie but does not come from the server's own page (ASVS
 * 3.5.1–3). `Origin` must be the server's own, or if it is absent `Sec-Fetch-Site` must be `same-origin`; a body must
 * be JSON.
 */
export function rejectCrossSiteRequest(context: AppContext, request: FastifyRequest): void {
  rejectCrossSiteOrigin(context, request);
  rejectCrossSiteBody(context, request);
}

function hasSessionCookie(context: AppContext, request: FastifyRequest): boolean {
  return parseSessionCookies(request.headers.cookie, sessionCookieName(context, request)).length > 0;
}

function rejectCrossSiteOrigin(context: AppContext, request: FastifyRequest): void {
  if (SAFE_METHODS.has(request.method) || !hasSessionCookie(context, request)) return;
  const ownOrigin = requireOwnOrigin(context, request);
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin === undefined ? site !== 'same-origin' : origin !== ownOrigin) {
    throw new Problem(
      'forbidden',
      `A request with a session cookie must come from this server's own page (Origin: ${ownOrigin}).`,
    );
  }
}

/**
 * The content type half of `rejectCrossSiteRequest`. Checked last, so that a principal without access gets that error
 * first.
 */
function rejectCrossSiteBody(context: AppContext, request: FastifyRequest): void {
  if (SAFE_METHODS.has(request.method) || !hasSessionCookie(context, request)) return;
  const type = request.headers['content-type'];
  if (hasBody(request) && !/^application\/json\s*(?:;|$)/i.test(type ?? '')) {
    throw new Problem(
      'unsupported_media_type',
      'A request with a session cookie must have the content type application/json.',
    );
  }
}

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
  };
}

function isActiveSession(row: SignedInPersonRow, now: number): boolean {
  return row.ends_at > now && row.last_used_at > now - DURATIONS.sessionIdle;
}

/** The workspace id or slug that a request names, or null if it names none. */
function requestedWorkspace(request: FastifyRequest): string | null {
  const header = request.headers['devpilot-workspace'];
  return typeof header === 'string' && header !== '' ? header : null;
}

/** Finds the person that a session secret belongs to, and their membership in the requested workspace. */
async function authenticateSession(
  context: AppContext,
  request: FastifyRequest,
  sessionCredentials: Extract<RequestCredentials, { kind: 'session' }>,
): Promise<PersonPrincipal> {
  const { store, sessionActivity, unknownSessionLimiter: unknownSessions, clock } = context;
  const sessionEnded = new Problem('invalid_token', 'The session has ended. Sign in again.');
  if (secretKindOf(sessionCredentials.secret) !== 'session') throw sessionEnded;
  const digest = digestBytes(digestOf(sessionCredentials.secret));
  const requestedIdOrSlug = requestedWorkspace(request);

  unknownSessions.check(request.ip, clock());
  let row = await findSignedInPerson(store, digest, requestedIdOrSlug);
  if (row === undefined) unknownSessions.recordUnknown(request.ip, clock());
  if (row === undefined || !isActiveSession(row, clock())) throw sessionEnded;
  if (requestedIdOrSlug === null) {
    const last = sessionActivity.lastWorkspace(row.person_id);
    if (last !== null && last !== row.workspace_id) row = (await findSignedInPerson(store, digest, last)) ?? row;
    if (row.role === null) {
      const [first] = await workspaceIdsOf(store.read, row.person_id);
      if (first !== undefined) row = (await findSignedInPerson(store, digest, first)) ?? row;
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
    operator: row.person_operator === 1,
    byCookie: sessionCredentials.byCookie,
    isBrowserSession: sessionCredentials.byCookie && row.session_kind === 'browser',
    membership: membershipFromRow(row),
  };
}

function workspaceNotFound(): Problem {
  return new Problem(
    'not_found',
    `The workspace was not found. Set the header ${HEADERS.workspace}, or create a workspace with POST /v1/workspaces.`,
  );
}

/** Whether a workspace is the one that a request names by id or slug. */
export async function isRequestedWorkspace(
  context: AppContext,
  requestedIdOrSlug: string,
  workspaceId: string,
): Promise<boolean> {
  if (requestedIdOrSlug === workspaceId) return true;
  return (await findWorkspaceById(context.store.read, workspaceId))?.slug === requestedIdOrSlug;
}

/**
 * Refuses a credential's request that names a workspace other than the credential's own, so that nothing happens in the
 * wrong one.
 */
async function rejectOtherWorkspace(
  context: AppContext,
  request: FastifyRequest,
  record: CredentialRecord,
): Promise<void> {
  const requestedIdOrSlug = requestedWorkspace(request);
  if (requestedIdOrSlug === null || (await isRequestedWorkspace(context, requestedIdOrSlug, record.workspace.id)))
    return;
  throw new Problem(
    'not_found',
    `The credential does not belong to the workspace in the header ${HEADERS.workspace}. Remove the header, or use a credential of that workspace.`,
  );
}

/** Checks a person against the access of a route. Throws `wrong_credential_kind`, `not_found`, `forbidden`. */
function authorizePerson(context: AppContext, request: FastifyRequest, person: PersonPrincipal, access: Access): void {
  if ('public' in access) return;
  if ('any' in access) {
    // If the request names a workspace, it is answered for that workspace or not at all.
    if (person.membership === null && requestedWorkspace(request) !== null) throw workspaceNotFound();
    return;
  }
  if (access.person === 'signed_in') return;
  if (access.person === undefined) {
    throw new Problem('wrong_credential_kind', 'This route requires an access token or an API key, not a person.');
  }
  if (access.person === 'operator') {
    if (person.operator) return;
    throw new Problem('forbidden', 'This requires an operator of this server.');
  }
  if (person.membership === null) throw workspaceNotFound();
  if (ROLE_RANK[person.membership.role] >= ROLE_RANK[access.person]) return;
  throw recordRoleDenial(context, request, person, person.membership, access.person);
}

/** Records the denial of a person whose role is not sufficient, and returns its `forbidden`. */
function recordRoleDenial(
  context: AppContext,
  request: FastifyRequest,
  person: PersonPrincipal,
  { role, workspaceId }: Membership,
  neededRole: Role,
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
  const needed = neededRole === 'owner' ? 'the owner' : 'an owner or admin';
  return new Problem(
    'forbidden',
    `This requires ${needed} of the workspace; you are ${role === 'admin' ? 'an admin' : 'a member'}.`,
  );
}

/**
 * Checks the role of an authorized person where only part of what the route does requires it. Throws `forbidden` and
 * records the denial. Credentials are not checked: their rights apply.
 */
export function requireRole(context: AppContext, request: FastifyRequest, needed: Role): void {
  const { principal } = request;
  if (principal?.kind !== 'person' || hasRole(request, needed)) return;
  const { membership } = principal;
  throw membership === null ? workspaceNotFound() : recordRoleDenial(context, request, principal, membership, needed);
}

/** Whether a request may do what requires a role of people. True for every authorized credential. */
export function hasRole({ principal }: FastifyRequest, needed: Role): boolean {
  if (principal?.kind !== 'person') return principal !== null;
  return principal.membership !== null && ROLE_RANK[principal.membership.role] >= ROLE_RANK[needed];
}

/**
 * Checks the credential of an authorized request against a narrower requirement. Throws `insufficient_scope` or
 * `wrong_credential_kind`; the denial is recorded, as for every requirement.
 */
export function authorizeCredential(context: AppContext, request: FastifyRequest, requirement: Requirement): void {
  const { principal } = request;
  if (principal === null || principal.kind === 'person') return;
  const { record } = principal;
  const decision = decide(record, 'not_needed', requirement, context.clock());
  if (decision === 'ok') return;
  const { id, kind, name, workspace } = record;
  context.denials.add({
    workspaceId: workspace.id,
    action: 'credential.denied',
    actor: { kind, id, name },
    credential: { kind, id, name },
    reason: decision,
    origin: originOf(request),
    at: context.clock(),
  });
  throw problemOfDecision(
    { decision: decision, record },
    requirement,
    true,
    context.passphraseVerifier,
    request.ip,
    context.clock(),
  );
}

/**
 * Authenticates a request and checks the principal against the access of the route. Throws `invalid_request`,
 * `missing_credential`, the code of the refused decision, `not_found` if the person is not a member of the requested
 * workspace or the credential does not belong to it, and `forbidden`.
 */
export async function authenticateRequest(
  context: AppContext,
  request: FastifyRequest,
  access: Access,
  requirement: Requirement,
): Promise<Principal> {
  const credentials = readCredentials(request.raw, sessionCookieName(context, request));
  rejectCrossSiteOrigin(context, request);
  if (credentials.kind === 'none') throw new Problem('missing_credential');
  if (credentials.kind === 'session') {
    const person = await authenticateSession(context, request, credentials);
    authorizePerson(context, request, person, access);
    rejectCrossSiteBody(context, request);
    return person;
  }
  const origin = originOf(request);
  const { secret, passphrase } = credentials;
  const authenticationRequest = { secret, passphrase, ...origin };
  const result = await context.authenticator.authenticate(authenticationRequest, requirement);
  const { decision, record } = result;
  if (decision === 'ok' && record !== null) {
    await rejectOtherWorkspace(context, request, record);
    return { kind: record.kind, record };
  }
  throw problemOfRefusal(context, request, access, requirement, result);
}

function problemOfRefusal(
  context: AppContext,
  request: FastifyRequest,
  access: Access,
  requirement: Requirement,
  result: AuthenticationResult,
): Problem {
  const people = !('public' in access || 'any' in access) && access.person !== undefined;
  return problemOfDecision(result, requirement, people, context.passphraseVerifier, request.ip, context.clock());
}

/**
 * Authenticates a request again once its body has arrived, which may take as long as the client likes: a session or
 * credential that has ended in the meantime must not be used. Counts no further use, and needs no I/O for a credential
 * whose record is cached. Throws as `authenticateRequest`.
 */
export async function authenticateAgain(
  context: AppContext,
  request: FastifyRequest,
  access: Access,
  requirement: Requirement,
): Promise<Principal> {
  const credentials = readCredentials(request.raw, sessionCookieName(context, request));
  if (credentials.kind === 'none') throw new Problem('missing_credential');
  if (credentials.kind === 'session') {
    const person = await authenticateSession(context, request, credentials);
    authorizePerson(context, request, person, access);
    return person;
  }
  const record = await context.findRecord(digestOf(credentials.secret), request.ip);
  const decision = decide(record, 'not_needed', requirement, context.clock());
  if (decision === 'ok' && record !== null) return { kind: record.kind, record };
  throw problemOfRefusal(context, request, access, requirement, { decision, record });
}
