import type { FastifyReply, FastifyRequest } from 'fastify';
import { PageQuery, pageOf } from '../contract/paging.ts';
import { Person, SignUp } from '../contract/people.ts';
import { Session, SignIn } from '../contract/sessions.ts';
import { serializePerson } from '../people/account.ts';
import { endOtherSessions, endSession, listOwnSessions, signIn } from '../people/sessions.ts';
import { signUp } from '../people/sign-up.ts';
import type { AppContext } from './app-context.ts';
import { personOf, signedInOf } from './principal.ts';
import { requireOwnOrigin } from './public-origin.ts';
import { originOf } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';
import { SignInResponse, sendSignInResponse, setSessionCookie } from './session-cookie.ts';

const tag = 'People';

/** Routes for signing up and in, and for the sessions of a person. */
export function sessionRoutes(context: AppContext): Route[] {
  const { people } = context;
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
        return serializePerson(people, person);
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
      summary: 'End one of your sessions',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: ({ params, request, reply }) => endOneSession(request, reply, params.id),
    }),
  ];
}
