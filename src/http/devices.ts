import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { invalidField, Problem } from '../contract/problem.ts';
import {
  DeviceAnswer,
  DeviceCode,
  DeviceCodeRequest,
  DeviceRequest,
  DeviceToken,
  DeviceTokenRequest,
} from '../contract/schemas.ts';
import { SPANS } from '../contract/words.ts';
import { answerDevice, DEVICE_GRANT, findDeviceRequest, pollDevice, startDevice } from '../people/devices.ts';
import type { House } from './house.ts';
import { addressOf } from './own-address.ts';
import { signedInOf } from './people.ts';
import { originOf } from './principal.ts';
import { personOf, type Route, route } from './route.ts';

const tag = 'Device sign-in';

export function deviceRoutes(house: House): Route[] {
  const { people } = house;
  const pageOf = (request: FastifyRequest) => `${addressOf(house, request)}/device`;
  const answer = (verdict: 'approved' | 'denied', word: 'approve' | 'deny') =>
    route({
      method: 'POST',
      url: `/v1/device/${word}`,
      access: { person: 'signed_in' },
      summary:
        verdict === 'approved' ? 'Approve the sign-in of a device as oneself (in the page only)' : 'Turn a device away',
      tag,
      body: DeviceAnswer,
      answers: { 204: z.null().describe('Done') },
      codes: ['not_found'],
      handler: async ({ body, request, reply }) => {
        if (verdict === 'approved' && !personOf(request).inPage) {
          throw new Problem(
            'forbidden',
            `Only a person signed in to the page approves devices: open ${pageOf(request)}.`,
          );
        }
        const who = signedInOf(request);
        await findDeviceRequest(people, who, body.userCode);
        await answerDevice(people, who, body.userCode, verdict, originOf(request));
        return reply.code(204).send();
      },
    });
  return [
    route({
      method: 'POST',
      url: '/v1/device/code',
      access: { public: true },
      summary: 'Begin a device sign-in (RFC 8628, section 3.1)',
      tag,
      body: DeviceCodeRequest,
      takes: 'form or json',
      answers: { 200: DeviceCode },
      handler: async ({ body, request }) => {
        const client = body.client_id ?? 'devpilot';
        const { deviceCode, userCode } = await startDevice(people, client, originOf(request));
        const page = pageOf(request);
        return {
          device_code: deviceCode,
          user_code: userCode,
          verification_uri: page,
          verification_uri_complete: `${page}#${userCode}`,
          expires_in: SPANS.deviceCode / 1000,
          interval: SPANS.devicePoll / 1000,
        };
      },
    }),
    route({
      method: 'POST',
      url: '/v1/device/token',
      access: { public: true },
      summary: 'Poll for the session of a device (RFC 8628, section 3.4)',
      tag,
      body: DeviceTokenRequest,
      takes: 'form or json',
      answers: { 200: DeviceToken },
      handler: async ({ body, request }) => {
        if (body.grant_type !== DEVICE_GRANT) {
          throw new Problem('invalid_request', `grant_type takes ${DEVICE_GRANT}.`, {
            error: 'unsupported_grant_type',
          });
        }
        const { secret, endsAt } = await pollDevice(people, body.device_code, originOf(request));
        const seconds = Math.floor((endsAt - house.clock()) / 1000);
        return { access_token: secret, token_type: 'Bearer' as const, expires_in: seconds };
      },
    }),
    route({
      method: 'GET',
      url: '/v1/device/requests/:userCode',
      access: { person: 'signed_in' },
      summary: 'What a user code would let in',
      tag,
      params: z.object({ userCode: z.string().max(32) }),
      answers: { 200: DeviceRequest },
      codes: ['not_found'],
      handler: ({ params, request }) => {
        if (params.userCode === '') throw invalidField('userCode', 'takes the code that the device shows');
        return findDeviceRequest(people, signedInOf(request), params.userCode);
      },
    }),
    answer('approved', 'approve'),
    answer('denied', 'deny'),
  ];
}
