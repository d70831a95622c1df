import { ChangePassword, Person, UpdateMe } from '../contract/people.ts';
import { changePassword, getMe, updateMe } from '../people/account.ts';
import type { AppContext } from './app-context.ts';
import { signedInOf } from './principal.ts';
import { originOf } from './request-context.ts';
import { NoContent, type Route, route } from './route.ts';
import { sendRotatedSession } from './session-cookie.ts';

const tag = 'People';

export function meRoutes(context: AppContext): Route[] {
  const { people } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/me',
      access: { person: 'signed_in' },
      summary: 'Get your account',
      tag,
      responses: { 200: Person },
      handler: ({ request }) => getMe(people, signedInOf(request)),
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
      summary: 'Change your password',
      description: 'Ends all your other sessions.',
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
  ];
}
