import type { FastifyRequest } from 'fastify';
import { Problem } from '../contract/problem.ts';
import type { RelyingParty } from '../people/webauthn.ts';
import type { AppContext } from './app-context.ts';

/**
 * Whether a `Host` (or `:authority`) is an address of this server where no setting names one: `localhost`, a loopback
 * address, the address that the connection came in on, or the one that `HOST` names. Anything else can be a name that
 * somebody else has pointed here. Pure.
 */
export function isKnownHost(host: string, listener: { readonly host: string; readonly address: string }): boolean {
  if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) return false;
  const name = new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '');
  const address = listener.address.replace(/^::ffff:/, '');
  return name === 'localhost' || /^127\.\d+\.\d+\.\d+$/.test(name) || ['::1', listener.host, address].includes(name);
}

/** The origin of our own page as the client of this request has it, or null where it is not known to be ours. */
function findOwnOrigin(context: AppContext, request: FastifyRequest): string | null {
  if (context.publicUrl !== null) return context.publicUrl;
  const listener = { host: context.listenHost, address: request.socket.localAddress ?? '' };
  return isKnownHost(request.host, listener) ? `${request.protocol}://${request.host}` : null;
}

/** The origin of our own page. Throws `forbidden` for a request to a name that no setting says is ours. */
export function requireOwnOrigin(context: AppContext, request: FastifyRequest): string {
  const origin = findOwnOrigin(context, request);
  if (origin !== null) return origin;
  throw new Problem(
    'forbidden',
    'The host in your request is not accepted. Open this server as localhost or by its IP address, or set DEVPILOT_PUBLIC_URL to the URL that people use.',
  );
}

/** Where passkeys of this server are bound to. Throws `forbidden` as `requireOwnOrigin`. */
export function relyingPartyOf(context: AppContext, request: FastifyRequest): RelyingParty {
  const origin = requireOwnOrigin(context, request);
  return { origin, rpId: new URL(origin).hostname };
}

/** The address to name in a response: the one that was asked if it is ours, otherwise the listener's. */
export function baseUrlOf(context: AppContext, request: FastifyRequest): string {
  return findOwnOrigin(context, request) ?? context.people.publicUrl();
}
