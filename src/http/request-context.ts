import type { FastifyRequest } from 'fastify';
import type { RequestContext } from '../audit/request-context.ts';
import type { RequestOrigin } from '../contract/audit.ts';
import type { IdempotencyClaim } from '../contract/idempotency.ts';
import { LIMITS } from '../contract/limits.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { AppContext } from './app-context.ts';
import { clientAddressOf } from './client-address.ts';
import { auditPartyOf, principalIdOf, workspaceIdOf } from './principal.ts';
import { allowedResourcesOf } from './resource-access.ts';

/** Returns the client's address and user agent and the request ID. Not related to the header `Origin`. */
export function originOf(request: FastifyRequest): RequestOrigin & { readonly address: string } {
  return { address: clientAddressOf(request), userAgent: request.headers['user-agent'] ?? null, requestId: request.id };
}

/**
 * Returns the context of a request in a workspace, without its `Idempotency-Key`: for requests that are safe to repeat
 * without one.
 */
export function requestContextIn(workspaceId: string, request: FastifyRequest): RequestContext {
  const { principal } = request;
  if (principal === null) throw new Problem('internal');
  const credential =
    principal.kind === 'person' ? null : { kind: principal.kind, id: principal.record.id, name: principal.record.name };
  const ifMatch = request.headers['if-match'] ?? null;
  return {
    workspaceId,
    actor: auditPartyOf(principal),
    credential,
    origin: originOf(request),
    idempotencyClaim: null,
    ifMatch,
    allowed: allowedResourcesOf(request),
  };
}

/** Returns the context of a request, including its `Idempotency-Key`, in the workspace of the request. */
export function requestContextOf(context: AppContext, request: FastifyRequest): RequestContext {
  const workspaceId = workspaceIdOf(request);
  return {
    ...requestContextIn(workspaceId, request),
    idempotencyClaim: idempotencyClaimOf(context, request, workspaceId),
  };
}

/**
 * Returns the claim for the `Idempotency-Key` of a POST, or null if the header is missing or the method is another one.
 * The claim contains a MAC of the path parameters and the body with a key of the server. With a plain hash, an attacker
 * who reads the store could guess a passphrase in the body. Throws `validation_failed` for an invalid key.
 */
export function idempotencyClaimOf(
  context: AppContext,
  request: FastifyRequest,
  workspaceId: string,
): IdempotencyClaim | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined || request.method !== 'POST') return null;
  const { min, max } = LIMITS.idempotencyKey;
  if (typeof key !== 'string' || key.length < min || key.length > max || !/^[\x21-\x7e]+$/.test(key)) {
    throw invalidField('Idempotency-Key', `must be ${min} to ${max} visible ASCII characters`);
  }
  const url = request.routeOptions.url ?? '';
  const bodyMac = context.seal.mac('idempotency', JSON.stringify([request.params, request.body]));
  return { workspaceId, principalId: principalIdOf(request), route: `POST ${url}`, key, bodyMac };
}
