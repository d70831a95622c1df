import { z } from 'zod';
import {
  CreatePasskey,
  PageQuery,
  Passkey,
  PasskeyOptions,
  PasskeySignIn,
  ProveItIsMe,
  pageOf,
  UpdatePasskey,
} from '../contract/schemas.ts';
import { signInWithPasskey, startPasskeySignIn } from '../people/passkey-sign-in.ts';
import { createPasskey, deletePasskey, listOwnPasskeys, startPasskey, updatePasskey } from '../people/passkeys.ts';
import { proveItIsMe, startPasskeyProof } from '../people/prove.ts';
import type { House } from './house.ts';
import { siteOf } from './own-address.ts';
import { answerSignIn, SignedInAnswer, signedInOf } from './people.ts';
import { originOf } from './principal.ts';
import { type Route, route } from './route.ts';

const tag = 'Passkeys';
const Id = z.object({ id: z.string().max(64) });

export function passkeyRoutes(house: House): Route[] {
  const { people } = house;
  return [
    route({
      method: 'GET',
      url: '/v1/me/passkeys',
      access: { person: 'signed_in' },
      summary: 'List own passkeys',
      tag,
      query: PageQuery,
      answers: { 200: pageOf(Passkey) },
      handler: ({ query, request }) => listOwnPasskeys(people, signedInOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/me/passkeys/options',
      access: { person: 'signed_in' },
      summary: 'Begin to add a passkey: what to hand to the browser',
      tag,
      body: ProveItIsMe,
      answers: { 200: PasskeyOptions },
      codes: ['sign_in_failed', 'second_factor_required', 'conflict'],
      handler: async ({ body, request }) => {
        const who = signedInOf(request);
        const site = siteOf(house, request);
        await proveItIsMe(people, who, body, () => site, originOf(request));
        return { options: await startPasskey(people, who, site, originOf(request)) };
      },
    }),
    route({
      method: 'POST',
      url: '/v1/me/passkeys/proof',
      essential: true,
      access: { person: 'signed_in' },
      summary: 'Begin to prove with an own passkey that it is oneself: what to hand to the browser',
      tag,
      answers: { 200: PasskeyOptions },
      handler: async ({ request }) => ({
        options: await startPasskeyProof(people, signedInOf(request), siteOf(house, request), originOf(request)),
      }),
    }),
    route({
      method: 'POST',
      url: '/v1/me/passkeys',
      access: { person: 'signed_in' },
      summary: 'Add a passkey with what the browser answered',
      tag,
      body: CreatePasskey,
      answers: { 201: Passkey },
      codes: ['conflict'],
      handler: async ({ body, request, reply }) => {
        const who = signedInOf(request);
        const site = siteOf(house, request);
        return reply.code(201).send(await createPasskey(people, who, body, site, originOf(request)));
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/me/passkeys/:id',
      access: { person: 'signed_in' },
      summary: 'Rename an own passkey',
      tag,
      params: Id,
      body: UpdatePasskey,
      answers: { 200: Passkey },
      codes: ['not_found'],
      handler: ({ params, body, request }) =>
        updatePasskey(people, signedInOf(request), params.id, body.name, originOf(request)),
    }),
    route({
      method: 'DELETE',
      url: '/v1/me/passkeys/:id',
      access: { person: 'signed_in' },
      summary: 'Delete an own passkey; ends every other session',
      tag,
      params: Id,
      body: ProveItIsMe,
      answers: { 204: z.null().describe('Done') },
      codes: ['not_found', 'sign_in_failed', 'second_factor_required'],
      handler: async ({ params, body, request, reply }) => {
        const who = signedInOf(request);
        await proveItIsMe(people, who, body, () => siteOf(house, request), originOf(request));
        await deletePasskey(people, who, params.id, originOf(request));
        return reply.code(204).send();
      },
    }),
    route({
      method: 'POST',
      url: '/v1/sessions/passkey/options',
      essential: true,
      access: { public: true },
      summary: 'Begin a sign-in with a passkey: what to hand to the browser',
      tag,
      answers: { 200: PasskeyOptions },
      handler: async ({ request }) => ({
        options: await startPasskeySignIn(people, siteOf(house, request), originOf(request)),
      }),
    }),
    route({
      method: 'POST',
      url: '/v1/sessions/passkey',
      essential: true,
      access: { public: true },
      summary: 'Sign in with what the browser answered',
      tag,
      body: PasskeySignIn,
      answers: { 201: SignedInAnswer },
      codes: ['sign_in_failed'],
      handler: async ({ body, request, reply }) =>
        answerSignIn(
          house,
          request,
          reply,
          await signInWithPasskey(people, body.response, siteOf(house, request), originOf(request)),
        ),
    }),
  ];
}
