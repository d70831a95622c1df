import type { FastifyRequest } from 'fastify';
import type { AppContext } from './app-context.ts';

/** For answers that are no page: nothing in them is ever to be run or framed, should a browser open one. */
export const API_CONTENT_SECURITY_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Whether people reach this server over https, directly or through a proxy that is trusted. */
export function isHttps(
  { publicUrl }: Pick<AppContext, 'publicUrl'>,
  request: Pick<FastifyRequest, 'protocol'>,
): boolean {
  return publicUrl === null ? request.protocol === 'https' : publicUrl.startsWith('https:');
}

/** The one name under which a session's cookie is accepted: a sibling subdomain cannot set one with `__Host-` (ASVS 3.3.3). */
export function sessionCookieName(
  context: Pick<AppContext, 'publicUrl'>,
  request: Pick<FastifyRequest, 'protocol'>,
): '__Host-devpilot' | 'devpilot' {
  return isHttps(context, request) ? '__Host-devpilot' : 'devpilot';
}

/** Hosts that browsers trust over plain HTTP (Secure Contexts, section 3.1). */
const LOOPBACK_HOSTNAME = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/** The headers that every answer carries, whatever it is (ASVS 3.4.1–8). Pages set a content policy of their own. */
export function securityHeaders(
  context: Pick<AppContext, 'publicUrl'>,
  request: Pick<FastifyRequest, 'protocol' | 'hostname'>,
): Record<string, string> {
  const https = isHttps(context, request);
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': API_CONTENT_SECURITY_POLICY,
    // Elsewhere browsers ignore it, and complain in the console of every page.
    ...((https || LOOPBACK_HOSTNAME.test(request.hostname)) && { 'cross-origin-opener-policy': 'same-origin' }),
    ...(https && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
  };
}
