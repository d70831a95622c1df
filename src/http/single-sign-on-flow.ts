import type { FastifyReply, FastifyRequest } from 'fastify';
import { DURATIONS } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { safeReturnPath } from '../contract/return-path.ts';
import type { SingleSignOnProblem } from '../contract/vocabulary.ts';
import type { SignedInPerson } from '../people/context.ts';
import type { FlowPurpose } from '../people/oidc-flow.ts';
import { SingleSignOnError } from '../people/oidc-provider.ts';
import { requireProvider, type SingleSignOnOutcome, startSingleSignOn } from '../people/single-sign-on.ts';
import type { AppContext } from './app-context.ts';
import { authenticateSession } from './authenticate-session.ts';
import { parseCookieValues } from './credentials-from-request.ts';
import { requireOwnOrigin } from './public-origin.ts';
import { isHttps, sessionCookieName } from './security-headers.ts';
import { setSessionCookie } from './session-cookie.ts';

/** The status of a redirect after which browsers send a GET request. */
export const SEE_OTHER = 303;
/** Maximum length of a return path in characters. A longer path would not fit into the cookie. */
const MAX_RETURN_PATH_LENGTH = 1024;

function flowCookieName(context: AppContext, request: FastifyRequest): string {
  return isHttps(context, request) ? '__Host-devpilot-oidc' : 'devpilot-oidc';
}

/**
 * Sets the cookie that binds a started flow, or a sign-in that waits for a second factor, to the browser. Clears it if
 * the value is null. The cookie is `Lax`, because the provider's redirect comes from another site.
 */
export function setFlowCookie(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  value: string | null,
): void {
  const seconds = value === null ? 0 : DURATIONS.singleSignOn / 1000;
  const secure = isHttps(context, request) ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${flowCookieName(context, request)}=${value ?? ''}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`,
  );
}

/** Returns the value of the flow cookie. Returns null also for two cookies, because one of them could be planted. */
export function readFlowCookie(context: AppContext, request: FastifyRequest): string | null {
  const [value, ...others] = parseCookieValues(request.headers.cookie, flowCookieName(context, request));
  return value === undefined || value === '' || others.length > 0 ? null : value;
}

/** Returns the path of a page, with the problem that it explains and the path to which the person returns from it. */
export function problemPath(page: string, problem: SingleSignOnProblem, returnPath: string): string {
  const query = new URLSearchParams({ problem, ...(returnPath !== '/' && { from: returnPath }) });
  return `${page}?${query}`;
}

/** Returns the person whose session cookie a request to a public route sends, or null if it sends no valid one. */
export async function findCaller(context: AppContext, request: FastifyRequest): Promise<SignedInPerson | null> {
  const [secret] = parseCookieValues(request.headers.cookie, sessionCookieName(context, request));
  if (secret === undefined) return null;
  try {
    return await authenticateSession(context, request, { kind: 'session', secret, byCookie: true });
  } catch (error) {
    if (error instanceof Problem && error.code === 'invalid_token') return null;
    throw error;
  }
}

/**
 * Starts a flow, sets its cookie and returns the URL of the provider. Throws `not_found` if single sign-on is not set
 * up, `forbidden` if the request's host is not known to be the server's, and `unavailable` if the provider cannot be
 * reached or is misconfigured.
 */
export async function startFlow(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  purpose: FlowPurpose,
  options: { readonly return?: string | undefined; readonly fresh?: boolean | undefined },
): Promise<string> {
  const { people } = context;
  requireProvider(people);
  const ownOrigin = requireOwnOrigin(context, request);
  const path = safeReturnPath(options.return, ownOrigin);
  try {
    const { url, cookie } = await startSingleSignOn(people, purpose, {
      redirectUri: `${ownOrigin}/v1/oidc/callback`,
      returnPath: path.length > MAX_RETURN_PATH_LENGTH ? '/' : path,
      fresh: options.fresh === true,
    });
    setFlowCookie(context, request, reply, cookie);
    return url;
  } catch (error) {
    if (!(error instanceof SingleSignOnError)) throw error;
    request.log.warn({ requestId: request.id, reason: error.reason, detail: error.message }, 'single sign-on failed');
    const name = requireProvider(people).name;
    throw new Problem('unavailable', `${name} cannot be reached or is misconfigured. Try again later.`);
  }
}

/** Redirects the browser after the provider's response. */
export function sendOutcome(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: SingleSignOnOutcome,
): FastifyReply {
  setFlowCookie(context, request, reply, outcome.kind === 'second_factor' ? outcome.pendingCode : null);
  const { returnPath } = outcome;
  switch (outcome.kind) {
    case 'signed_in':
      setSessionCookie(context, request, reply, outcome.session.secret);
      return reply.redirect(returnPath, SEE_OTHER);
    case 'linked':
      return reply.redirect(returnPath, SEE_OTHER);
    case 'second_factor':
      return reply.redirect(`/sign-in?${new URLSearchParams({ step: 'code', from: returnPath })}`, SEE_OTHER);
    case 'failed': {
      const { reason, message: detail } = outcome;
      request.log.warn({ requestId: request.id, reason, detail }, 'single sign-on failed');
      const path =
        outcome.purpose === 'link' ? problemPath('/account', reason, '/') : problemPath('/sign-in', reason, returnPath);
      return reply.redirect(path, SEE_OTHER);
    }
  }
}
