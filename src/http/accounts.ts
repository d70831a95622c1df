import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  Account,
  AccountQuery,
  ProveItIsMe,
  pageOf,
  RequestPasswordReset,
  ResetLink,
  ResetPassword,
  UpdateAccount,
} from '../contract/schemas.ts';
import { deleteAccount } from '../people/leaving.ts';
import { endAccountSessions, listPeople, type OperatorAsker, updateAccount } from '../people/operators.ts';
import { createPasswordReset, requestPasswordReset, resetPassword } from '../people/password-resets.ts';
import { proveItIsMe } from '../people/prove.ts';
import type { House } from './house.ts';
import { siteOf } from './own-address.ts';
import { setCookie, signedInOf } from './people.ts';
import { originOf, partyOf } from './principal.ts';
import { personOf, type Route, route } from './route.ts';

const nothing = z.null().describe('Done');
const Id = z.object({ id: z.string().max(64) });

function operatorOf(request: FastifyRequest): OperatorAsker {
  return { actor: partyOf(personOf(request)), origin: originOf(request) };
}

/** A way back from a lost password, and a way out. */
export function accountRoutes(house: House): Route[] {
  const { people } = house;
  const tag = 'People';
  return [
    route({
      method: 'POST',
      url: '/v1/password-resets',
      access: { public: true },
      summary: 'Ask for a link to reset a password by mail; the answer never tells whether there is such a person',
      tag,
      body: RequestPasswordReset,
      answers: { 202: z.null().describe('If there is such a person and this server sends mail, a link is sent') },
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
      answers: { 204: nothing },
      codes: ['not_found'],
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
      body: ProveItIsMe,
      answers: { 204: nothing },
      codes: ['sign_in_failed', 'second_factor_required', 'conflict'],
      handler: async ({ body, request, reply }) => {
        const who = signedInOf(request);
        await proveItIsMe(people, who, body, () => siteOf(house, request), originOf(request));
        await deleteAccount(people, who, originOf(request));
        if (personOf(request).byCookie) setCookie(house, request, reply, null);
        return reply.code(204).send();
      },
    }),
  ];
}

/** All people of the installation, for its operators. */
export function operatorRoutes(house: House): Route[] {
  const { people } = house;
  const tag = 'Operators';
  return [
    route({
      method: 'GET',
      url: '/v1/people',
      access: { person: 'operator' },
      summary: 'List all people of the installation',
      tag,
      query: AccountQuery,
      answers: { 200: pageOf(Account) },
      handler: ({ query }) => listPeople(people, query),
    }),
    route({
      method: 'PATCH',
      url: '/v1/people/:id',
      essential: true,
      access: { person: 'operator' },
      summary: 'Disable or enable a person, make one an operator or no operator',
      tag,
      params: Id,
      body: UpdateAccount,
      answers: { 200: Account },
      codes: ['not_found', 'conflict'],
      handler: ({ params, body, request }) => updateAccount(people, operatorOf(request), params.id, body),
    }),
    route({
      method: 'DELETE',
      url: '/v1/people/:id/sessions',
      access: { person: 'operator' },
      summary: 'End all sessions of a person',
      tag,
      params: Id,
      answers: { 204: nothing },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        await endAccountSessions(people, operatorOf(request), params.id);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'POST',
      url: '/v1/people/:id/password-reset',
      access: { person: 'operator' },
      summary: 'Make a link with which a person resets their password',
      tag,
      params: Id,
      answers: { 201: ResetLink },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const { actor, origin } = operatorOf(request);
        const { url, expiresAt } = await createPasswordReset(people, params.id, actor, origin);
        return reply.code(201).send({ url, expiresAt: new Date(expiresAt).toISOString() });
      },
    }),
  ];
}
