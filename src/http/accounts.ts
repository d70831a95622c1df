import { z } from 'zod';
import { SYSTEM_LOG } from '../audit/log.ts';
import { pageOf } from '../contract/paging.ts';
import { PasswordResetLink, RequestPasswordReset, ResetPassword } from '../contract/password-resets.ts';
import { Account, AccountQuery, UpdateAccount } from '../contract/people.ts';
import { Reauthenticate } from '../contract/reauthentication.ts';
import { deleteAccount } from '../people/offboarding.ts';
import { endAccountSessions, listPeople, updateAccount } from '../people/operators.ts';
import { createPasswordReset, requestPasswordReset, resetPassword } from '../people/password-resets.ts';
import type { AppContext } from './app-context.ts';
import { confirmIdentity } from './confirm-identity.ts';
import { personOf, signedInOf } from './principal.ts';
import { originOf, requestContextIn } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';
import { setSessionCookie } from './session-cookie.ts';

/** Routes for resetting a lost password and for deleting one's own account. */
export function accountRoutes(context: AppContext): Route[] {
  const { people } = context;
  const tag = 'People';
  return [
    route({
      method: 'POST',
      url: '/v1/password-resets',
      access: { public: true },
      summary: 'Request a password reset link by email',
      description: 'The response does not reveal whether the account exists.',
      tag,
      body: RequestPasswordReset,
      responses: {
        202: z.null().describe('A link is sent if the account exists and is enabled, and this server sends email'),
      },
      handler: ({ body, request }) => requestPasswordReset(people, body.email, originOf(request)),
    }),
    route({
      method: 'POST',
      url: '/v1/password-resets/:code',
      essential: true,
      access: { public: true },
      summary: 'Reset a password with the code from a reset link',
      description: 'Ends all sessions of the person.',
      tag,
      params: z.object({ code: z.string().max(255) }),
      body: ResetPassword,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: ({ params, body, request }) => resetPassword(people, params.code, body.password, originOf(request)),
    }),
    route({
      method: 'DELETE',
      url: '/v1/me',
      access: { person: 'signed_in' },
      summary: 'Delete your account',
      description: 'Not possible while you own a workspace or are the last operator.',
      tag,
      body: Reauthenticate,
      responses: { 204: NoContent },
      errorCodes: ['sign_in_failed', 'second_factor_required', 'conflict'],
      handler: async ({ body, request, reply }) => {
        await confirmIdentity(context, request, body);
        await deleteAccount(people, signedInOf(request), originOf(request));
        if (personOf(request).byCookie) setSessionCookie(context, request, reply, null);
      },
    }),
  ];
}

/** Routes with which operators manage all people on the installation. */
export function operatorRoutes(context: AppContext): Route[] {
  const { people } = context;
  const tag = 'Operators';
  return [
    route({
      method: 'GET',
      url: '/v1/people',
      access: { person: 'operator' },
      summary: 'List all people on this installation',
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
      summary: 'Enable or disable an account, or grant or revoke operator rights',
      tag,
      params: IdParams,
      body: UpdateAccount,
      responses: { 200: Account },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, body, request }) =>
        updateAccount(people, requestContextIn(SYSTEM_LOG, request), params.id, body),
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
      handler: ({ params, request }) => endAccountSessions(people, requestContextIn(SYSTEM_LOG, request), params.id),
    }),
    route({
      method: 'POST',
      url: '/v1/people/:id/password-reset',
      access: { person: 'operator' },
      summary: 'Create a password reset link for a person',
      description: 'While passwords are off, creates a one-time sign-in link instead.',
      tag,
      params: IdParams,
      responses: { 201: PasswordResetLink },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request }) => {
        const { actor, origin } = requestContextIn(SYSTEM_LOG, request);
        const { url, expiresAt } = await createPasswordReset(people, params.id, actor, origin);
        return { url, expiresAt: new Date(expiresAt).toISOString() };
      },
    }),
  ];
}
