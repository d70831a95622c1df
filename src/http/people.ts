import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DURATIONS } from '../contract/limits.ts';
import { PageQuery, pageOf } from '../contract/paging.ts';
import { ChangePassword, Person, SignUp, UpdateMe } from '../contract/people.ts';
import { Reauthenticate } from '../contract/reauthentication.ts';
import { Session, SignIn } from '../contract/sessions.ts';
import { ConfirmTwoFactor, RecoveryCodes, TwoFactor, TwoFactorSetup } from '../contract/two-factor.ts';
import {
  changePassword,
  confirmTwoFactorSetup,
  disableTwoFactor,
  findMe,
  findTwoFactor,
  replaceOwnRecoveryCodes,
  showPerson,
  startTwoFactorSetup,
  updateMe,
} from '../people/account.ts';
import type { SignedInPerson } from '../people/context.ts';
import { reauthenticate } from '../people/reauthentication.ts';
import { type CreatedSession, endOtherSessions, endSession, listOwnSessions, signIn } from '../people/sessions.ts';
import { signUp } from '../people/sign-up.ts';
import type { PersonRow } from '../store/people.ts';
import type { AppContext } from './app-context.ts';
import { personOf } from './principal.ts';
import { relyingPartyOf, requireOwnOrigin } from './public-origin.ts';
import { originOf } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';
import { sessionCookieName } from './security-headers.ts';

const tag = 'People';

/** Sets the session cookie (ASVS 3.3.1–4), or clears it if the secret is null. */
export function setSessionCookie(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string | null,
): void {
  const name = sessionCookieName(context, request);
  const age = secret === null ? 0 : Math.floor(DURATIONS.sessionLifetime / 1000);
  reply.header(
    'set-cookie',
    `${name}=${secret ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${name === 'devpilot' ? '' : '; Secure'}`,
  );
}

export function signedInOf(request: FastifyRequest): SignedInPerson {
  const { personId, name, email, sessionId } = personOf(request);
  return { personId, name, email, sessionId };
}

/**
 * Sends a session's new secret in the same way as the session was sent: as a cookie, or in a header of its own for
 * Bearer.
 */
function sendRotatedSession(context: AppContext, request: FastifyRequest, reply: FastifyReply, secret: string): void {
  if (personOf(request).byCookie) setSessionCookie(context, request, reply, secret);
  else reply.header('devpilot-session', secret);
}

export const SignInResponse = z.object({ id: z.string(), expiresAt: z.string(), person: Person });

/** Answers a sign-in with the cookie, the person and the session's expiry. */
export function sendSignInResponse(
  context: AppContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { person, session }: { readonly person: PersonRow; readonly session: CreatedSession },
): FastifyReply {
  setSessionCookie(context, request, reply, session.secret);
  const expiresAt = new Date(Math.min(session.endsAt, context.clock() + DURATIONS.sessionIdle)).toISOString();
  return reply.send({ id: session.id, expiresAt, person: showPerson(context.people, person) });
}

export function peopleRoutes(context: AppContext): Route[] {
  const { people } = context;
  const confirmIdentity = (request: FastifyRequest, confirmation: Reauthenticate) =>
    reauthenticate(
      people,
      signedInOf(request),
      confirmation,
      () => relyingPartyOf(context, request),
      originOf(request),
    );
  async function endOneSession(request: FastifyRequest, reply: FastifyReply, id: string): Promise<void> {
    const signedIn = signedInOf(request);
    await endSession(people, signedIn, id, originOf(request));
    if (id === signedIn.sessionId && personOf(request).byCookie) setSessionCookie(context, request, reply, null);
  }
  return [
    route({
      method: 'POST',
      url: '/v1/people',
      access: { public: true },
      summary: 'Sign up',
      tag,
      body: SignUp,
      responses: { 201: Person },
      errorCodes: ['forbidden', 'conflict', 'not_found'],
      handler: async ({ body, request, reply }) => {
        requireOwnOrigin(context, request);
        const { person, session } = await signUp(people, body, originOf(request));
        setSessionCookie(context, request, reply, session.secret);
        return showPerson(people, person);
      },
    }),
    route({
      method: 'POST',
      url: '/v1/sessions',
      essential: true,
      access: { public: true },
      summary: 'Sign in',
      tag,
      body: SignIn,
      responses: { 201: SignInResponse },
      errorCodes: ['sign_in_failed', 'second_factor_required'],
      handler: async ({ body, request, reply }) => {
        requireOwnOrigin(context, request);
        return sendSignInResponse(context, request, reply, await signIn(people, body, originOf(request)));
      },
    }),
    route({
      method: 'GET',
      url: '/v1/sessions',
      access: { person: 'signed_in' },
      summary: 'List your sessions',
      tag,
      query: PageQuery,
      responses: { 200: pageOf(Session) },
      handler: ({ query, request }) => listOwnSessions(people, signedInOf(request), query),
    }),
    route({
      method: 'DELETE',
      url: '/v1/sessions',
      access: { person: 'signed_in' },
      summary: 'End all your other sessions and approved device codes',
      tag,
      responses: { 204: NoContent },
      handler: ({ request }) => endOtherSessions(people, signedInOf(request), originOf(request)),
    }),
    route({
      method: 'DELETE',
      url: '/v1/sessions/current',
      access: { person: 'signed_in' },
      summary: 'Sign out',
      tag,
      responses: { 204: NoContent },
      handler: ({ request, reply }) => endOneSession(request, reply, signedInOf(request).sessionId),
    }),
    route({
      method: 'DELETE',
      url: '/v1/sessions/:id',
      access: { person: 'signed_in' },
      summary: 'End a session',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: ({ params, request, reply }) => endOneSession(request, reply, params.id),
    }),
    route({
      method: 'GET',
      url: '/v1/me',
      access: { person: 'signed_in' },
      summary: 'Get your account',
      tag,
      responses: { 200: Person },
      handler: ({ request }) => findMe(people, signedInOf(request)),
    }),
    route({
      method: 'PATCH',
      url: '/v1/me',
      access: { person: 'signed_in' },
      summary: 'Change your name',
      tag,
      body: UpdateMe,
      responses: { 200: Person },
      handler: ({ body, request }) => updateMe(people, signedInOf(request), body, originOf(request)),
    }),
    route({
      method: 'POST',
      url: '/v1/me/password',
      essential: true,
      access: { person: 'signed_in' },
      summary: 'Change your password; ends all your other sessions',
      tag,
      body: ChangePassword,
      responses: { 204: NoContent },
      errorCodes: ['sign_in_failed'],
      handler: async ({ body, request, reply }) => {
        sendRotatedSession(
          context,
          request,
          reply,
          await changePassword(people, signedInOf(request), body, originOf(request)),
        );
      },
    }),
    route({
      method: 'GET',
      url: '/v1/me/two-factor',
      access: { person: 'signed_in' },
      summary: 'Get the status of two-factor authentication',
      tag,
      responses: { 200: TwoFactor },
      handler: ({ request }) => findTwoFactor(people, signedInOf(request)),
    }),
    route({
      method: 'POST',
      url: '/v1/me/two-factor',
      access: { person: 'signed_in' },
      summary: 'Start setting up two-factor authentication (TOTP, RFC 6238)',
      tag,
      body: Reauthenticate,
      responses: { 201: TwoFactorSetup },
      errorCodes: ['sign_in_failed', 'conflict'],
      handler: async ({ body, request }) => {
        const signedIn = signedInOf(request);
        return startTwoFactorSetup(people, signedIn, await confirmIdentity(request, body));
      },
    }),
    route({
      method: 'POST',
      url: '/v1/me/two-factor/confirm',
      access: { person: 'signed_in' },
      summary: 'Confirm two-factor authentication with the first code',
      tag,
      body: ConfirmTwoFactor,
      responses: { 200: RecoveryCodes },
      errorCodes: ['sign_in_failed', 'conflict'],
      handler: async ({ body, request, reply }) => {
        const signedIn = signedInOf(request);
        const { recoveryCodes, sessionSecret } = await confirmTwoFactorSetup(
          people,
          signedIn,
          body.code,
          originOf(request),
        );
        sendRotatedSession(context, request, reply, sessionSecret);
        return { recoveryCodes };
      },
    }),
    route({
      method: 'POST',
      url: '/v1/me/two-factor/recovery-codes',
      access: { person: 'signed_in' },
      summary: 'Replace the recovery codes',
      tag,
      body: Reauthenticate,
      responses: { 201: RecoveryCodes },
      errorCodes: ['sign_in_failed', 'second_factor_required', 'conflict'],
      handler: async ({ body, request }) => {
        const signedIn = signedInOf(request);
        const recoveryCodes = await replaceOwnRecoveryCodes(
          people,
          signedIn,
          await confirmIdentity(request, body),
          originOf(request),
        );
        return { recoveryCodes };
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/me/two-factor',
      access: { person: 'signed_in' },
      summary: 'Turn off two-factor authentication; ends all your other sessions',
      tag,
      body: Reauthenticate,
      responses: { 204: NoContent },
      errorCodes: ['sign_in_failed'],
      handler: async ({ body, request, reply }) => {
        const person = await confirmIdentity(request, body);
        sendRotatedSession(
          context,
          request,
          reply,
          await disableTwoFactor(people, signedInOf(request), person, originOf(request)),
        );
      },
    }),
  ];
}
