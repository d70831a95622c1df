import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { pageOf } from '../contract/paging.ts';
import { PasswordResetLink, RequestPasswordReset, ResetPassword } from '../contract/password-resets.ts';
import { Account, AccountQuery, UpdateAccount } from '../contract/people.ts';
import { Reauthenticate } from '../contract/reauthentication.ts';
import { deleteAccount } from '../people/offboarding.ts';
import { endAccountSessions, listPeople, type OperatorRequestContext, updateAccount } from '../people/operators.ts';
import { createPasswordReset, requestPasswordReset, resetPassword } from '../people/password-resets.ts';
import { reauthenticate } from '../people/reauthentication.ts';
import type { AppContext } from './app-context.ts';
import { auditPartyOf, originOf } from './authenticate-request.ts';
import { setSessionCookie, signedInOf } from './people.ts';
import { relyingPartyOf } from './public-origin.ts';
import { personOf, type Route, route } from './route.ts';

const NoContent = z.null().describe('Done');
const IdParams = z.object({ id: z.string().max(64) });

function operatorRequestContextOf(request: FastifyRequest): OperatorRequestContext {
  return { actor: auditPartyOf(personOf(request)), origin: originOf(request) };
}

/** A way back from a lost password, and a way out. */
export function accountRoutes(context: AppContext): Route[] {
  const { people } = context;
  const tag = 'People';
  return [
    route({
      method: 'POST',
      url: '/v1/password-resets',
      access: { public: true },
      summary: 'Ask for a link to reset a password by mail; the answer never tells whether there is such a person',
      tag,
      body: RequestPasswordReset,
      responses: { 202: z.null().describe('If there is such a person and this server sends mail, a link is sent') },
      handler: async ({ body, request, reply }) => {
        await requestPasswordReset(people, body.email, originOf(request));
        return reply.code(202).send();
      },
    }),
    route({
      method: 'POST',
      url: '/v1/password-resets/:code',
      essential: true,
      access: { public: true },
      summary: 'Set a new password with the code of a link; ends all sessions',
      tag,
      params: z.object({ code: z.string().max(255) }),
      body: ResetPassword,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: async ({ params, body, request, reply }) => {
        await resetPassword(people, params.code, body.password, originOf(request));
        return reply.code(204).send();
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/me',
      access: { person: 'signed_in' },
      summary: 'Delete own account; refused while it owns a workspace',
      tag,
      body: Reauthenticate,
      responses: { 204: NoContent },
      errorCodes: ['sign_in_failed', 'second_factor_required', 'conflict'],
      handler: async ({ body, request, reply }) => {
        const signedIn = signedInOf(request);
        await reauthenticate(people, signedIn, body, () => relyingPartyOf(context, request), originOf(request));
        await deleteAccount(people, signedIn, originOf(request));
        if (personOf(request).byCookie) setSessionCookie(context, request, reply, null);
        return reply.code(204).send();
      },
    }),
  ];
}

/** All people of the installation, for its operators. */
export function operatorRoutes(context: AppContext): Route[] {
  const { people } = context;
  const tag = 'Operators';
  return [
    route({
      method: 'GET',
      url: '/v1/people',
      access: { person: 'operator' },
      summary: 'List all people of the installation',
      tag,
      query: AccountQuery,
      responses: { 200: pageOf(Account) },
      handler: ({ query }) => listPeople(people, query),
    }),
    route({
      method: 'PATCH',
      url: '/v1/people/:id',
      essential: true,
      access: { person: 'operator' },
      summary: 'Disable or enable a person, make one an operator or no operator',
      tag,
      params: IdParams,
      body: UpdateAccount,
      responses: { 200: Account },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, body, request }) => updateAccount(people, operatorRequestContextOf(request), params.id, body),
    }),
    route({
      method: 'DELETE',
      url: '/v1/people/:id/sessions',
      access: { person: 'operator' },
      summary: 'End all sessions of a person',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        await endAccountSessions(people, operatorRequestContextOf(request), params.id);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'POST',
      url: '/v1/people/:id/password-reset',
      access: { person: 'operator' },
      summary: 'Make a link with which a person resets their password',
      tag,
      params: IdParams,
      responses: { 201: PasswordResetLink },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const { actor, origin } = operatorRequestContextOf(request);
        const { url, expiresAt } = await createPasswordReset(people, params.id, actor, origin);
        return reply.code(201).send({ url, expiresAt: new Date(expiresAt).toISOString() });
      },
    }),
  ];
}
