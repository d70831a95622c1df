import type { FastifyRequest } from 'fastify';
import type { AppContext } from './app-context.ts';

/** The policy for responses that are not pages: browsers run no scripts in them, and no page can embed them. */
export const API_CONTENT_SECURITY_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Whether clients reach this server over HTTPS, directly or through a trusted proxy. */
export function isHttps(
  { publicUrl }: Pick<AppContext, 'publicUrl'>,
  request: Pick<FastifyRequest, 'protocol'>,
): boolean {
  return publicUrl === null ? request.protocol === 'https' : publicUrl.startsWith('https:');
}

/** Returns the name of the session cookie. A sibling subdomain cannot set a cookie with `__Host-` (ASVS 3.3.3). */
export function sessionCookieName(
  context: Pick<AppContext, 'publicUrl'>,
  request: Pick<FastifyRequest, 'protocol'>,
): '__Host-devpilot' | 'devpilot' {
  return isHttps(context, request) ? '__Host-devpilot' : 'devpilot';
}

/** Hosts that browsers trust over plain HTTP (Secure Contexts, section 3.1). */
const LOOPBACK_HOSTNAME = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/** Returns the security headers of a response (ASVS 3.4.1 to 3.4.8). Pages set their own content security policy. */
export function securityHeaders(
  context: Pick<AppContext, 'publicUrl'>,
  request: Pick<FastifyRequest, 'protocol' | 'hostname'>,
): Record<string, string> {
  const https = isHttps(context, request);
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': API_CONTENT_SECURITY_POLICY,
    // Over plain HTTP, browsers ignore this header and log a warning on every page.
    ...((https || LOOPBACK_HOSTNAME.test(request.hostname)) && { 'cross-origin-opener-policy': 'same-origin' }),
    ...(https && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
  };
}
