import type { FastifyRequest } from 'fastify';
import { Problem } from '../contract/problem.ts';
import type { AppContext } from './app-context.ts';
import { parseCookieValues } from './credentials-from-request.ts';
import { requireOwnOrigin } from './public-origin.ts';
import { sessionCookieName } from './security-headers.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Rejects an unsafe request that contains the session cookie but does not come from the server's own web UI (ASVS 3.5.1
 * to 3.5.3). `Origin` must be the server's own origin or, if the header is absent, `Sec-Fetch-Site` must be
 * `same-origin`. A body must be JSON.
 */
export function rejectCrossSiteRequest(context: AppContext, request: FastifyRequest): void {
  rejectCrossSiteOrigin(context, request);
  rejectCrossSiteBody(context, request);
}

function hasSessionCookie(context: AppContext, request: FastifyRequest): boolean {
  return parseCookieValues(request.headers.cookie, sessionCookieName(context, request)).length > 0;
}

/** Whether a request has a body, even if the body has not arrived yet. */
export function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

export function rejectCrossSiteOrigin(context: AppContext, request: FastifyRequest): void {
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
 * The part of `rejectCrossSiteRequest` that checks the content type. It runs after authorization, so that a person
 * without access receives the authorization error, not one about the content type.
 */
export function rejectCrossSiteBody(context: AppContext, request: FastifyRequest): void {
  if (SAFE_METHODS.has(request.method) || !hasSessionCookie(context, request)) return;
  const type = request.headers['content-type'];
  if (hasBody(request) && !/^application\/json\s*(?:;|$)/i.test(type ?? '')) {
    throw new Problem(
      'unsupported_media_type',
      'A request with a session cookie must have the content type application/json.',
    );
  }
}

/**
 * Rejects every request from a page of another origin, regardless of its credential, to protect Devpilot servers on a
 * local network from DNS rebinding. Programs other than browsers send no `Origin`.
 */
export function rejectForeignOrigin(context: AppContext, request: FastifyRequest): void {
  const { origin } = request.headers;
  if (origin === undefined || origin === requireOwnOrigin(context, request)) return;
  throw new Problem('forbidden', "A request with the header Origin must come from this server's own page.");
}
