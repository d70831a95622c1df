import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DURATIONS } from '../contract/limits.ts';
import { Person } from '../contract/people.ts';
import { serializePerson } from '../people/account.ts';
import type { CreatedSession } from '../people/sessions.ts';
import type { PersonRow } from '../store/people.ts';
import type { AppContext } from './app-context.ts';
import { personOf } from './principal.ts';
import { isHttps, sessionCookieName } from './security-headers.ts';

/** Sets the session cookie (ASVS 3.3.1 to 3.3.4), or clears it if the secret is null. */
export function setSessionCookie(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string | null,
): void {
  const name = sessionCookieName(context, request);
  const maxAgeSeconds = secret === null ? 0 : Math.floor(DURATIONS.sessionLifetime / 1000);
  const secure = isHttps(context, request) ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${name}=${secret ?? ''}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`,
  );
}

/**
 * Sends the new secret of the session: as a cookie if a cookie authenticated the request, otherwise in the header
 * `Devpilot-Session`.
 */
export function sendRotatedSession(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string,
): void {
  if (personOf(request).byCookie) setSessionCookie(context, request, reply, secret);
  else reply.header('devpilot-session', secret);
}

export const SignInResponse = z.object({ id: z.string(), expiresAt: z.string(), person: Person });

/** Responds to a sign-in: sets the session cookie and sends the person and the expiry of the session. */
export function sendSignInResponse(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { person, session }: { readonly person: PersonRow; readonly session: CreatedSession },
): FastifyReply {
  setSessionCookie(context, request, reply, session.secret);
  const expiresAt = new Date(Math.min(session.endsAt, context.clock() + DURATIONS.sessionIdle)).toISOString();
  return reply.send({ id: session.id, expiresAt, person: serializePerson(context.people, person) });
}
