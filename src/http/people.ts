import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  ChangePassword,
  ConfirmTwoFactor,
  PageQuery,
  Person,
  ProveItIsMe,
  pageOf,
  RecoveryCodes,
  Session,
  SignIn,
  SignUp,
  TwoFactor,
  TwoFactorStart,
  UpdateMe,
} from '../contract/schemas.ts';
import { SPANS } from '../contract/words.ts';
import {
  changePassword,
  confirmTwoFactor,
  disableTwoFactor,
  findMe,
  findTwoFactor,
  renewRecoveryCodes,
  showPerson,
  startTwoFactor,
  updateMe,
} from '../people/account.ts';
import type { SignedIn } from '../people/context.ts';
import { proveItIsMe } from '../people/prove.ts';
import { endOtherSessions, endSession, listOwnSessions, type NewSession, signIn } from '../people/sessions.ts';
import { signUp } from '../people/sign-up.ts';
import type { PersonRow } from '../store/people.ts';
import type { House } from './house.ts';
import { ownOriginOf, siteOf } from './own-address.ts';
import { originOf } from './principal.ts';
import { personOf, type Route, route } from './route.ts';
import { sessionCookieName } from './safety.ts';

const nothing = z.null().describe('Done');
const tag = 'People';

/** Sets the session's cookie (ASVS 3.3.1–4), or with a null secret takes it away. */
export function setCookie(house: House, request: FastifyRequest, reply: FastifyReply, secret: string | null): void {
  const name = sessionCookieName(house, request);
  const age = secret === null ? 0 : Math.floor(SPANS.sessionWhole / 1000);
  reply.header(
    'set-cookie',
    `${name}=${secret ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${name === 'devpilot' ? '' : '; Secure'}`,
  );
}

export function signedInOf(request: FastifyRequest): SignedIn {
  const { personId, name, email, sessionId } = personOf(request);
  return { personId, name, email, sessionId };
}

/** Hands a session's new secret to who holds it: in the cookie, or to a Bearer in a header of its own. */
function handOver(house: House, request: FastifyRequest, reply: FastifyReply, secret: string): void {
  if (personOf(request).byCookie) setCookie(house, request, reply, secret);
  else reply.header('devpilot-session', secret);
}

export const SignedInAnswer = z.object({ id: z.string(), expiresAt: z.string(), person: Person });

/** Answers a sign-in: the cookie, and who is in until when. */
export function answerSignIn(
  house: House,
  request: FastifyRequest,
  reply: FastifyReply,
  { person, session }: { readonly person: PersonRow; readonly session: NewSession },
): FastifyReply {
  setCookie(house, request, reply, session.secret);
  const expiresAt = new Date(Math.min(session.endsAt, house.clock() + SPANS.sessionIdle)).toISOString();
  return reply.code(201).send({ id: session.id, expiresAt, person: showPerson(house.people, person) });
}

export function peopleRoutes(house: House): Route[] {
  const { people } = house;
  const prove = (request: FastifyRequest, proof: ProveItIsMe) =>
    proveItIsMe(people, signedInOf(request), proof, () => siteOf(house, request), originOf(request));
  async function end(request: FastifyRequest, reply: FastifyReply, id: string): Promise<FastifyReply> {
    const who = signedInOf(request);
    await endSession(people, who, id, originOf(request));
    if (id === who.sessionId && personOf(request).byCookie) setCookie(house, request, reply, null);
    return reply.code(204).send();
  }
  return [
    route({
      method: 'POST',
      url: '/v1/people',
      access: { public: true },
      summary: 'Sign up, and in',
      tag,
      body: SignUp,
      answers: { 201: Person },
      codes: ['forbidden', 'conflict', 'not_found'],
      handler: async ({ body, request, reply }) => {
        ownOriginOf(house, request);
        const { person, session } = await signUp(people, body, originOf(request));
        setCookie(house, request, reply, session.secret);
        return reply.code(201).send(showPerson(people, person));
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
      answers: { 201: SignedInAnswer },
      codes: ['sign_in_failed', 'second_factor_required'],
      handler: async ({ body, request, reply }) => {
        ownOriginOf(house, request);
        return answerSignIn(house, request, reply, await signIn(people, body, originOf(request)));
      },
    }),
    route({
      method: 'GET',
      url: '/v1/sessions',
      access: { person: 'signed_in' },
      summary: 'List own sessions',
      tag,
      query: PageQuery,
      answers: { 200: pageOf(Session) },
      handler: ({ query, request }) => listOwnSessions(people, signedInOf(request), query),
    }),
    route({
      method: 'DELETE',
      url: '/v1/sessions',
      access: { person: 'signed_in' },
      summary: 'End every other own session, and approved device codes',
      tag,
      answers: { 204: nothing },
      handler: async ({ request, reply }) => {
        await endOtherSessions(people, signedInOf(request), originOf(request));
        return reply.code(204).send();
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/sessions/current',
      access: { person: 'signed_in' },
      summary: 'Sign out',
      tag,
      answers: { 204: nothing },
      handler: ({ request, reply }) => end(request, reply, signedInOf(request).sessionId),
    }),
    route({
      method: 'DELETE',
      url: '/v1/sessions/:id',
      access: { person: 'signed_in' },
      summary: 'End a session',
      tag,
      params: z.object({ id: z.string().max(64) }),
      answers: { 204: nothing },
      codes: ['not_found'],
      handler: ({ params, request, reply }) => end(request, reply, params.id),
    }),
    route({
      method: 'GET',
      url: '/v1/me',
      access: { person: 'signed_in' },
      summary: 'Get own account',
      tag,
      answers: { 200: Person },
      handler: ({ request }) => findMe(people, signedInOf(request)),
    }),
    route({
      method: 'PATCH',
      url: '/v1/me',
      access: { person: 'signed_in' },
      summary: 'Change own name',
      tag,
      body: UpdateMe,
      answers: { 200: Person },
      handler: ({ body, request }) => updateMe(people, signedInOf(request), body, originOf(request)),
    }),
    route({
      method: 'POST',
      url: '/v1/me/password',
      essential: true,
      access: { person: 'signed_in' },
      summary: 'Change own password; ends every other session',
      tag,
      body: ChangePassword,
      answers: { 204: nothing },
      codes: ['sign_in_failed'],
      handler: async ({ body, request, reply }) => {
        handOver(house, request, reply, await changePassword(people, signedInOf(request), body, originOf(request)));
        return reply.code(204).send();
      },
    }),
    route({
      method: 'GET',
      url: '/v1/me/two-factor',
      access: { person: 'signed_in' },
      summary: 'Whether a second factor is set',
      tag,
      answers: { 200: TwoFactor },
      handler: ({ request }) => findTwoFactor(people, signedInOf(request)),
    }),
    route({
      method: 'POST',
      url: '/v1/me/two-factor',
      access: { person: 'signed_in' },
      summary: 'Begin to set up a second factor (TOTP, RFC 6238)',
      tag,
      body: ProveItIsMe,
      answers: { 201: TwoFactorStart },
      codes: ['sign_in_failed', 'conflict'],
      handler: async ({ body, request, reply }) => {
        const who = signedInOf(request);
        return reply.code(201).send(await startTwoFactor(people, who, await prove(request, body)));
      },
    }),
    route({
      method: 'POST',
      url: '/v1/me/two-factor/confirm',
      access: { person: 'signed_in' },
      summary: 'Confirm the second factor with its first code',
      tag,
      body: ConfirmTwoFactor,
      answers: { 200: RecoveryCodes },
      codes: ['sign_in_failed', 'conflict'],
      handler: async ({ body, request, reply }) => {
        const who = signedInOf(request);
        const { recoveryCodes, sessionSecret } = await confirmTwoFactor(people, who, body.code, originOf(request));
        handOver(house, request, reply, sessionSecret);
        return { recoveryCodes };
      },
    }),
    route({
      method: 'POST',
      url: '/v1/me/two-factor/recovery-codes',
      access: { person: 'signed_in' },
      summary: 'Replace the recovery codes',
      tag,
      body: ProveItIsMe,
      answers: { 201: RecoveryCodes },
      codes: ['sign_in_failed', 'second_factor_required', 'conflict'],
      handler: async ({ body, request, reply }) => {
        const who = signedInOf(request);
        const recoveryCodes = await renewRecoveryCodes(people, who, await prove(request, body), originOf(request));
        return reply.code(201).send({ recoveryCodes });
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/me/two-factor',
      access: { person: 'signed_in' },
      summary: 'Remove the second factor; ends every other session',
      tag,
      body: ProveItIsMe,
      answers: { 204: nothing },
      codes: ['sign_in_failed'],
      handler: async ({ body, request, reply }) => {
        const person = await prove(request, body);
        handOver(house, request, reply, await disableTwoFactor(people, signedInOf(request), person, originOf(request)));
        return reply.code(204).send();
      },
    }),
  ];
}
