import type { FastifyRequest } from 'fastify';
import { Problem } from '../contract/problem.ts';
import type { RelyingParty } from '../people/webauthn.ts';
import type { AppContext } from './app-context.ts';

/**
 * Whether a `Host` (or `:authority`) belongs to this server when no public URL is configured: `localhost`, a loopback
 * address, the local address of the connection, or the setting `HOST`. Other names are not trusted, because anyone can
 * point a DNS name to this server.
 */
export function isKnownHost(host: string, listener: { readonly host: string; readonly address: string }): boolean {
  if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) return false;
  const name = new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '');
  const address = listener.address.replace(/^::ffff:/, '');
  return name === 'localhost' || /^127\.\d+\.\d+\.\d+$/.test(name) || ['::1', listener.host, address].includes(name);
}

/**
 * Returns the server's own origin: the configured public URL or, without one, the requested origin, or null if the
 * requested host is not known to be the server's.
 */
function findOwnOrigin(context: AppContext, request: FastifyRequest): string | null {
  if (context.publicUrl !== null) return context.publicUrl;
  const listener = { host: context.listenHost, address: request.socket.localAddress ?? '' };
  return isKnownHost(request.host, listener) ? `${request.protocol}://${request.host}` : null;
}

/**
 * Returns the server's own origin. Without a configured public URL, throws `forbidden` if the requested host is not
 * known to be the server's.
 */
export function requireOwnOrigin(context: AppContext, request: FastifyRequest): string {
  const origin = findOwnOrigin(context, request);
  if (origin !== null) return origin;
  throw new Problem(
    'forbidden',
    'The host name in the URL is not accepted. Open this server as localhost or by its IP address, or set DEVPILOT_PUBLIC_URL to the URL that people use.',
  );
}

/** Returns the relying party for passkeys. Throws `forbidden` like `requireOwnOrigin`. */
export function relyingPartyOf(context: AppContext, request: FastifyRequest): RelyingParty {
  const origin = requireOwnOrigin(context, request);
  return { origin, rpId: new URL(origin).hostname };
}

/**
 * Returns the origin for URLs in a response: the configured public URL, otherwise the requested origin if it is known
 * to be the server's, otherwise the listener's.
 */
export function baseUrlOf(context: AppContext, request: FastifyRequest): string {
  return findOwnOrigin(context, request) ?? context.people.publicUrl();
}
