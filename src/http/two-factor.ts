import { Reauthenticate } from '../contract/reauthentication.ts';
import { ConfirmTwoFactor, RecoveryCodes, TwoFactor, TwoFactorSetup } from '../contract/two-factor.ts';
import {
  confirmTwoFactorSetup,
  disableTwoFactor,
  getTwoFactor,
  replaceOwnRecoveryCodes,
  startTwoFactorSetup,
} from '../people/account.ts';
import type { AppContext } from './app-context.ts';
import { confirmIdentity } from './confirm-identity.ts';
import { signedInOf } from './principal.ts';
import { originOf } from './request-context.ts';
import { NoContent, type Route, route } from './route.ts';
import { sendRotatedSession } from './session-cookie.ts';

const tag = 'People';

export function twoFactorRoutes(context: AppContext): Route[] {
  const { people } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/me/two-factor',
      access: { person: 'signed_in' },
      summary: 'Get the status of two-factor authentication',
      tag,
      responses: { 200: TwoFactor },
      handler: ({ request }) => getTwoFactor(people, signedInOf(request)),
    }),
    route({
      method: 'POST',
      url: '/v1/me/two-factor',
      access: { person: 'signed_in' },
      summary: 'Start setting up two-factor authentication',
      description: 'Returns the secret for an authenticator app (TOTP, RFC 6238).',
      tag,
      body: Reauthenticate,
      responses: { 201: TwoFactorSetup },
      errorCodes: ['sign_in_failed', 'second_factor_required', 'conflict'],
      handler: async ({ body, request }) => {
        const signedIn = signedInOf(request);
        return startTwoFactorSetup(people, signedIn, await confirmIdentity(context, request, body));
      },
    }),
    route({
      method: 'POST',
      url: '/v1/me/two-factor/confirm',
      access: { person: 'signed_in' },
      summary: 'Turn on two-factor authentication',
      description:
        'Requires a code from the authenticator app. Returns the recovery codes. Ends all your other sessions.',
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
      summary: 'Replace your recovery codes',
      tag,
      body: Reauthenticate,
      responses: { 201: RecoveryCodes },
      errorCodes: ['sign_in_failed', 'second_factor_required', 'conflict'],
      handler: async ({ body, request }) => {
        const signedIn = signedInOf(request);
        const recoveryCodes = await replaceOwnRecoveryCodes(
          people,
          signedIn,
          await confirmIdentity(context, request, body),
          originOf(request),
        );
        return { recoveryCodes };
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/me/two-factor',
      access: { person: 'signed_in' },
      summary: 'Turn off two-factor authentication',
      description: 'Ends all your other sessions.',
      tag,
      body: Reauthenticate,
      responses: { 204: NoContent },
      errorCodes: ['sign_in_failed', 'second_factor_required'],
      handler: async ({ body, request, reply }) => {
        const person = await confirmIdentity(context, request, body);
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
