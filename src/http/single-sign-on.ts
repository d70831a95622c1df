import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import { Reauthenticate } from '../contract/reauthentication.ts';
import { safeReturnPath } from '../contract/return-path.ts';
import {
  LogoutRequest,
  OwnSingleSignOn,
  SecondFactor,
  SignInLink,
  SingleSignOnQuery,
  SingleSignOnUrl,
  StartSingleSignOn,
} from '../contract/single-sign-on.ts';
import { getOwnSingleSignOn, unlinkIdentity } from '../people/identities.ts';
import { endProviderSessions } from '../people/provider-logout.ts';
import { signInWithLink } from '../people/sign-in-link.ts';
import { completeSecondFactor, completeSingleSignOn } from '../people/single-sign-on.ts';
import type { AppContext } from './app-context.ts';
import { confirmIdentity } from './confirm-identity.ts';
import { signedInOf } from './principal.ts';
import { requireOwnOrigin } from './public-origin.ts';
import { originOf } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';
import { SignInResponse, sendSignInResponse } from './session-cookie.ts';
import {
  findCaller,
  problemPath,
  readFlowCookie,
  SEE_OTHER,
  sendOutcome,
  setFlowCookie,
  startFlow,
} from './single-sign-on-flow.ts';

const tag = 'Single sign-on';
const RedirectResponse = z.null().describe('Redirect to the provider or to a page of this server');

const signInPurpose = (codes: { invitation?: string | undefined; setupCode?: string | undefined } = {}) =>
  ({ kind: 'sign_in', invitation: codes.invitation ?? null, setupCode: codes.setupCode ?? null }) as const;

/** The routes that browsers use before sign-in, and the routes that the provider calls. */
function signInRoutes(context: AppContext): Route[] {
  const { people } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/oidc/start',
      essential: true,
      access: { public: true },
      summary: 'Start single sign-on in a browser',
      description: 'Redirects to the provider.',
      tag,
      query: SingleSignOnQuery,
      responses: { [SEE_OTHER]: RedirectResponse },
      errorCodes: ['not_found', 'forbidden'],
      handler: async ({ query, request, reply }) => {
        try {
          return reply.redirect(await startFlow(context, request, reply, signInPurpose(), query), SEE_OTHER);
        } catch (error) {
          if (!(error instanceof Problem) || error.code !== 'unavailable') throw error;
          const path = safeReturnPath(query.return, requireOwnOrigin(context, request));
          return reply.redirect(problemPath('/sign-in', 'unavailable', path), SEE_OTHER);
        }
      },
    }),
    route({
      method: 'POST',
      url: '/v1/oidc/start',
      essential: true,
      access: { public: true },
      summary: 'Start single sign-on from the web UI',
      description: 'Returns the URL of the provider.',
      tag,
      body: StartSingleSignOn,
      responses: { 200: SingleSignOnUrl },
      errorCodes: ['not_found', 'forbidden'],
      handler: async ({ body, request, reply }) => ({
        url: await startFlow(context, request, reply, signInPurpose(body), body),
      }),
    }),
    route({
      method: 'GET',
      url: '/v1/oidc/callback',
      essential: true,
      access: { public: true },
      ignoresQuery: true,
      summary: "Process the provider's response",
      description:
        'The provider redirects the browser to this URL. Signs the person in or links the account, and redirects to the web UI, which asks for a missing second factor or explains a failure.',
      tag,
      responses: { [SEE_OTHER]: RedirectResponse },
      errorCodes: ['not_found'],
      handler: async ({ request, reply }) => {
        const { url = '' } = request.raw;
        const outcome = await completeSingleSignOn(people, {
          search: url.includes('?') ? url.slice(url.indexOf('?')) : '',
          cookie: readFlowCookie(context, request),
          caller: await findCaller(context, request),
          origin: originOf(request),
        });
        return sendOutcome(context, request, reply, outcome);
      },
    }),
    route({
      method: 'POST',
      url: '/v1/oidc/second-factor',
      essential: true,
      access: { public: true },
      summary: 'Complete single sign-on with a two-factor code',
      tag,
      body: SecondFactor,
      responses: { 201: SignInResponse },
      errorCodes: ['sign_in_failed'],
      handler: async ({ body, request, reply }) => {
        requireOwnOrigin(context, request);
        const pendingCode = readFlowCookie(context, request);
        const signedIn = await completeSecondFactor(people, pendingCode, body.code, originOf(request));
        setFlowCookie(context, request, reply, null);
        return sendSignInResponse(context, request, reply, signedIn);
      },
    }),
    route({
      method: 'POST',
      url: '/v1/sessions/link',
      essential: true,
      access: { public: true },
      summary: 'Sign in with a one-time link',
      description: 'Operators can create such links while passwords are off.',
      tag: 'People',
      body: SignInLink,
      responses: { 201: SignInResponse },
      errorCodes: ['sign_in_failed', 'second_factor_required', 'not_found', 'forbidden'],
      handler: async ({ body, request, reply }) => {
        requireOwnOrigin(context, request);
        return sendSignInResponse(context, request, reply, await signInWithLink(people, body, originOf(request)));
      },
    }),
    route({
      method: 'POST',
      url: '/v1/oidc/backchannel-logout',
      essential: true,
      access: { public: true },
      summary: 'End sessions after a sign-out at the provider',
      description: 'The provider calls this (OpenID Connect Back-Channel Logout 1.0).',
      tag,
      body: LogoutRequest,
      bodyFormat: 'form',
      ignoresQuery: true,
      oauth: true,
      responses: { 200: z.null().describe('The sessions have ended') },
      errorCodes: ['not_found'],
      handler: ({ body, request }) => endProviderSessions(people, body.logout_token ?? '', originOf(request)),
    }),
  ];
}

/** Routes for single sign-on, and for the provider accounts with which a person signs in. */
export function singleSignOnRoutes(context: AppContext): Route[] {
  const { people } = context;
  return [
    ...signInRoutes(context),
    route({
      method: 'GET',
      url: '/v1/me/single-sign-on',
      access: { person: 'signed_in' },
      summary: 'List your accounts at the single sign-on provider',
      tag,
      responses: { 200: OwnSingleSignOn },
      handler: ({ request }) => getOwnSingleSignOn(people, signedInOf(request)),
    }),
    route({
      method: 'POST',
      url: '/v1/me/single-sign-on',
      access: { person: 'signed_in' },
      summary: 'Start linking an account at the single sign-on provider',
      description: 'The verified email address of that account must be the same as yours.',
      tag,
      body: Reauthenticate,
      responses: { 200: SingleSignOnUrl },
      errorCodes: ['sign_in_failed', 'second_factor_required', 'not_found'],
      handler: async ({ body, request, reply }) => {
        await confirmIdentity(context, request, body);
        const { personId, sessionId } = signedInOf(request);
        const purpose = { kind: 'link', personId, sessionId } as const;
        return { url: await startFlow(context, request, reply, purpose, { return: '/account' }) };
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/me/single-sign-on/:id',
      access: { person: 'signed_in' },
      summary: 'Unlink an account at the single sign-on provider',
      description: 'Ends your other sessions that were started with that account.',
      tag,
      params: IdParams,
      body: Reauthenticate,
      responses: { 204: NoContent },
      errorCodes: ['sign_in_failed', 'second_factor_required', 'not_found', 'conflict'],
      handler: async ({ params, body, request }) => {
        await confirmIdentity(context, request, body);
        await unlinkIdentity(people, signedInOf(request), params.id, originOf(request));
      },
    }),
  ];
}
