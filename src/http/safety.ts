import type { FastifyRequest } from 'fastify';
import type { House } from './house.ts';

/** For answers that are no page: nothing in them is ever to be run or framed, should a browser open one. */
export const NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Whether people reach this server over https, directly or through a proxy that is trusted. */
export function isHttps({ publicUrl }: Pick<House, 'publicUrl'>, request: Pick<FastifyRequest, 'protocol'>): boolean {
  return publicUrl === null ? request.protocol === 'https' : publicUrl.startsWith('https:');
}

/** The one name under which a session's cookie is accepted: a sibling subdomain cannot set one with `__Host-` (ASVS 3.3.3). */
export function sessionCookieName(
  house: Pick<House, 'publicUrl'>,
  request: Pick<FastifyRequest, 'protocol'>,
): '__Host-devpilot' | 'devpilot' {
  return isHttps(house, request) ? '__Host-devpilot' : 'devpilot';
}

/** Hosts that browsers trust over plain HTTP (Secure Contexts, section 3.1). */
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/** The headers that every answer carries, whatever it is (ASVS 3.4.1–8). Pages set a content policy of their own. */
export function safetyHeaders(
  house: Pick<House, 'publicUrl'>,
  request: Pick<FastifyRequest, 'protocol' | 'hostname'>,
): Record<string, string> {
  const https = isHttps(house, request);
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': NO_CONTENT_POLICY,
    // Elsewhere browsers ignore it, and complain in the console of every page.
    ...((https || LOOPBACK.test(request.hostname)) && { 'cross-origin-opener-policy': 'same-origin' }),
    ...(https && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
  };
}
