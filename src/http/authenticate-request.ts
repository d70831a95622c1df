import type { FastifyRequest } from 'fastify';
import type { AuthenticationResult } from '../authorization/authenticate.ts';
import { decide } from '../authorization/decision.ts';
import type { Requirement } from '../authorization/rights.ts';
import { Problem } from '../contract/problem.ts';
import { type Access, requestedApp } from './access.ts';
import type { AppContext } from './app-context.ts';
import { authenticateSession } from './authenticate-session.ts';
import { authorizePerson } from './authorize-principal.ts';
import { clientAddressOf } from './client-address.ts';
import { type RequestCredentials, readCredentials } from './credentials-from-request.ts';
import { hasBody, rejectCrossSiteBody, rejectCrossSiteOrigin } from './cross-site-requests.ts';
import { problemOfDecision } from './decision-problem.ts';
import type { Principal } from './principal.ts';
import { originOf } from './request-context.ts';
import { isRequestedWorkspace, requestedWorkspace, workspaceMismatch } from './requested-workspace.ts';
import { resourceCheckOf, resourceNotAllowed } from './resource-access.ts';
import { sessionCookieName } from './security-headers.ts';
import { withSunset } from './sunset.ts';

function readRequestCredentials(context: AppContext, request: FastifyRequest): RequestCredentials {
  return readCredentials(request.raw, sessionCookieName(context, request), context.credentials.isForeignSecret);
}

/**
 * Authenticates a request and checks the principal against the access of the route. Throws `invalid_request`,
 * `missing_credential`, `not_found` if the requested workspace is not a workspace of the person or credential, the code
 * of the refused decision, and the errors of `authenticateSession`, `authorizePerson` and the cross-site checks. With
 * `isPreliminary`, no use is counted. `credentials` defaults to the credentials in the headers; pass it if a form
 * contains the credentials.
 */
export async function authenticateRequest(
  context: AppContext,
  request: FastifyRequest,
  access: Access,
  requirement: Requirement,
  isPreliminary: boolean,
  credentials = readRequestCredentials(context, request),
): Promise<Principal> {
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
  const workspace = requestedWorkspace(request);
  const authenticationRequest = {
    secret,
    passphrase,
    ...origin,
    app: requestedApp(request),
    isPreliminary,
    checkWorkspace:
      workspace === null ? undefined : (workspaceId: string) => isRequestedWorkspace(context, workspace, workspaceId),
    checkResource: resourceCheckOf(context, request),
  };
  const result = await context.authenticator.authenticate(authenticationRequest, requirement);
  const { decision, record, rate = null } = result;
  if (decision === 'ok' && record !== null) return { kind: record.kind, record, rate };
  throw withSunset(problemOfRefusal(context, request, access, requirement, result), record, context.clock());
}

/**
 * Whether a request can have its credential in a form, as the client secret: it has a body, and no credential in its
 * headers.
 */
export function mayHaveClientSecret(context: AppContext, request: FastifyRequest): boolean {
  return hasBody(request) && readRequestCredentials(context, request).kind === 'none';
}

function problemOfRefusal(
  context: AppContext,
  request: FastifyRequest,
  access: Access,
  requirement: Requirement,
  result: AuthenticationResult,
): Problem {
  if (result.decision === 'other_workspace') return workspaceMismatch();
  if (result.decision === 'resource_not_allowed') return resourceNotAllowed(request);
  const acceptsPeople = !('public' in access || 'any' in access) && access.person !== undefined;
  return problemOfDecision(result, requirement, {
    address: clientAddressOf(request),
    now: context.clock(),
    passphraseVerifier: context.passphraseVerifier,
    acceptsPeople,
  });
}

/**
 * Authenticates a request again after its body has arrived. A client can send its body arbitrarily slowly, and a
 * session or credential that ended while the body was sent must not be used. Counts no further use, and needs no I/O
 * for a cached credential without restrictions. Throws no other errors than `authenticateRequest`.
 */
export async function authenticateAgain(
  context: AppContext,
  request: FastifyRequest,
  access: Access,
  requirement: Requirement,
): Promise<Principal> {
  const credentials = readRequestCredentials(context, request);
  if (credentials.kind === 'none') throw new Problem('missing_credential');
  if (credentials.kind === 'session') {
    const person = await authenticateSession(context, request, credentials);
    authorizePerson(context, request, person, access);
    return person;
  }
  const record = await context.findBySecret(credentials.secret, clientAddressOf(request));
  const decision = decide(record, 'not_needed', requirement, context.clock(), clientAddressOf(request));
  if (decision === 'ok' && record !== null) {
    const allowed = record.restrictions?.resources ?? null;
    const checkResource = resourceCheckOf(context, request);
    const needsCheck = allowed !== null && checkResource !== undefined;
    if (needsCheck && !(await checkResource(allowed, record.workspace.id))) throw resourceNotAllowed(request);
    return { kind: record.kind, record };
  }
  const refusal = problemOfRefusal(context, request, access, requirement, { decision, record });
  throw withSunset(refusal, record, context.clock());
}
