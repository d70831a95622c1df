import { PageQuery, pageOf } from '../contract/paging.ts';
import { CreatePasskey, Passkey, PasskeyOptions, PasskeySignIn, UpdatePasskey } from '../contract/passkeys.ts';
import { Reauthenticate } from '../contract/reauthentication.ts';
import { signInWithPasskey, startPasskeySignIn } from '../people/passkey-sign-in.ts';
import {
  createPasskey,
  deletePasskey,
  listOwnPasskeys,
  startPasskeyRegistration,
  updatePasskey,
} from '../people/passkeys.ts';
import { startPasskeyReauthentication } from '../people/reauthentication.ts';
import type { AppContext } from './app-context.ts';
import { confirmIdentity } from './confirm-identity.ts';
import { signedInOf } from './principal.ts';
import { relyingPartyOf } from './public-origin.ts';
import { originOf } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';
import { SignInResponse, sendSignInResponse } from './session-cookie.ts';

const tag = 'Passkeys';

export function passkeyRoutes(context: AppContext): Route[] {
  const { people } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/me/passkeys',
      access: { person: 'signed_in' },
      summary: 'List your passkeys',
      tag,
      query: PageQuery,
      responses: { 200: pageOf(Passkey) },
      handler: ({ query, request }) => listOwnPasskeys(people, signedInOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/me/passkeys/options',
      access: { person: 'signed_in' },
      summary: 'Start adding a passkey',
      description: 'Returns the options to pass to the browser.',
      tag,
      body: Reauthenticate,
      responses: { 200: PasskeyOptions },
      errorCodes: ['sign_in_failed', 'second_factor_required', 'conflict'],
      handler: async ({ body, request }) => {
        const signedIn = signedInOf(request);
        const relyingParty = relyingPartyOf(context, request);
        await confirmIdentity(context, request, body);
        return { options: await startPasskeyRegistration(people, signedIn, relyingParty, originOf(request)) };
      },
    }),
    route({
      method: 'POST',
      url: '/v1/me/passkeys/proof',
      essential: true,
      access: { person: 'signed_in' },
      summary: 'Start confirming your identity with a passkey',
      description: 'Returns the options to pass to the browser.',
      tag,
      responses: { 200: PasskeyOptions },
      handler: async ({ request }) => ({
        options: await startPasskeyReauthentication(
          people,
          signedInOf(request),
          relyingPartyOf(context, request),
          originOf(request),
        ),
      }),
    }),
    route({
      method: 'POST',
      url: '/v1/me/passkeys',
      access: { person: 'signed_in' },
      summary: 'Add a passkey',
      description: 'Pass the response of the browser unchanged. Ends all your other sessions.',
      tag,
      body: CreatePasskey,
      responses: { 201: Passkey },
      errorCodes: ['conflict'],
      handler: async ({ body, request }) => {
        const signedIn = signedInOf(request);
        const relyingParty = relyingPartyOf(context, request);
        return createPasskey(people, signedIn, body, relyingParty, originOf(request));
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/me/passkeys/:id',
      access: { person: 'signed_in' },
      summary: 'Rename a passkey',
      tag,
      params: IdParams,
      body: UpdatePasskey,
      responses: { 200: Passkey },
      errorCodes: ['not_found'],
      handler: ({ params, body, request }) =>
        updatePasskey(people, signedInOf(request), params.id, body.name, originOf(request)),
    }),
    route({
      method: 'DELETE',
      url: '/v1/me/passkeys/:id',
      access: { person: 'signed_in' },
      summary: 'Delete a passkey',
      description: 'Ends all your other sessions.',
      tag,
      params: IdParams,
      body: Reauthenticate,
      responses: { 204: NoContent },
      errorCodes: ['not_found', 'sign_in_failed', 'second_factor_required'],
      handler: async ({ params, body, request }) => {
        await confirmIdentity(context, request, body);
        await deletePasskey(people, signedInOf(request), params.id, originOf(request));
      },
    }),
    route({
      method: 'POST',
      url: '/v1/sessions/passkey/options',
      essential: true,
      access: { public: true },
      summary: 'Start signing in with a passkey',
      description: 'Returns the options to pass to the browser.',
      tag,
      responses: { 200: PasskeyOptions },
      handler: async ({ request }) => ({
        options: await startPasskeySignIn(people, relyingPartyOf(context, request), originOf(request)),
      }),
    }),
    route({
      method: 'POST',
      url: '/v1/sessions/passkey',
      essential: true,
      access: { public: true },
      summary: 'Sign in with a passkey',
      description: 'Pass the response of the browser unchanged.',
      tag,
      body: PasskeySignIn,
      responses: { 201: SignInResponse },
      errorCodes: ['sign_in_failed'],
      handler: async ({ body, request, reply }) =>
        sendSignInResponse(
          context,
          request,
          reply,
          await signInWithPasskey(people, body.response, relyingPartyOf(context, request), originOf(request)),
        ),
    }),
  ];
}
