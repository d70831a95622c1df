import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  DeviceCode,
  DeviceCodeRequest,
  DeviceDecision,
  DeviceRequest,
  DeviceToken,
  DeviceTokenRequest,
} from '../contract/devices.ts';
import { DURATIONS } from '../contract/limits.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import {
  DEVICE_GRANT,
  decideDeviceRequest,
  getDeviceRequest,
  pollDeviceToken,
  startDeviceAuthorization,
} from '../people/devices.ts';
import type { AppContext } from './app-context.ts';
import { personOf, signedInOf } from './principal.ts';
import { baseUrlOf } from './public-origin.ts';
import { originOf } from './request-context.ts';
import { NoContent, type Route, route } from './route.ts';

const tag = 'Device sign-in';

export const unsupportedGrant = (grants: readonly string[]): Problem =>
  new Problem('invalid_request', `grant_type must be ${grants.join(' or ')}.`, { error: 'unsupported_grant_type' });

/**
 * Returns the response of a token endpoint to the device grant (RFC 8628, section 3.5). Throws the errors of that
 * section unless the device is approved.
 */
export async function pollForDevice(
  { people, clock }: AppContext,
  { device_code: deviceCode }: { device_code?: string | undefined },
  request: FastifyRequest,
): Promise<DeviceToken> {
  if (deviceCode === undefined) throw invalidField('device_code', 'is required');
  const { secret, endsAt } = await pollDeviceToken(people, deviceCode, originOf(request));
  return { access_token: secret, token_type: 'Bearer', expires_in: Math.floor((endsAt - clock()) / 1000) };
}

export function deviceRoutes(context: AppContext): Route[] {
  const { people } = context;
  const devicePageUrlOf = (request: FastifyRequest) => `${baseUrlOf(context, request)}/device`;
  const decisionRoute = (decision: 'approved' | 'denied', action: 'approve' | 'deny') =>
    route({
      method: 'POST',
      url: `/v1/device/${action}`,
      access: { person: 'signed_in' },
      summary: decision === 'approved' ? 'Approve a device' : 'Deny a device',
      ...(decision === 'approved' && { description: 'Requires a session of the web UI.' }),
      tag,
      body: DeviceDecision,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: async ({ body, request }) => {
        if (decision === 'approved' && !personOf(request).isBrowserSession) {
          throw new Problem(
            'forbidden',
            `Devices can be approved only in the web UI. Open ${devicePageUrlOf(request)}.`,
          );
        }
        const signedIn = signedInOf(request);
        // Counts a wrong code as a failed attempt of the person, which limits guessing.
        await getDeviceRequest(people, signedIn, body.userCode);
        await decideDeviceRequest(people, signedIn, body.userCode, decision, originOf(request));
      },
    });
  return [
    route({
      method: 'POST',
      url: '/v1/device/code',
      access: { public: true },
      summary: 'Start a device sign-in',
      description: 'The device authorization request of RFC 8628, section 3.1.',
      tag,
      body: DeviceCodeRequest,
      bodyFormat: 'form or json',
      ignoresQuery: true,
      oauth: true,
      responses: { 200: DeviceCode },
      handler: async ({ body, request }) => {
        const client = body.client_id || 'devpilot';
        const { deviceCode, userCode } = await startDeviceAuthorization(people, client, originOf(request));
        const page = devicePageUrlOf(request);
        return {
          device_code: deviceCode,
          user_code: userCode,
          verification_uri: page,
          verification_uri_complete: `${page}#${userCode}`,
          expires_in: DURATIONS.deviceCode / 1000,
          interval: DURATIONS.devicePoll / 1000,
        };
      },
    }),
    route({
      method: 'POST',
      url: '/v1/device/token',
      access: { public: true },
      summary: 'Poll for the session of a device',
      description: 'The device access token request of RFC 8628, section 3.4.',
      tag,
      body: DeviceTokenRequest,
      bodyFormat: 'form or json',
      ignoresQuery: true,
      oauth: true,
      responses: { 200: DeviceToken },
      handler: ({ body, request }) => {
        if (body.grant_type !== DEVICE_GRANT) throw unsupportedGrant([DEVICE_GRANT]);
        return pollForDevice(context, body, request);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/device/requests/:userCode',
      access: { person: 'signed_in' },
      summary: 'Get a device sign-in request by its user code',
      tag,
      params: z.object({ userCode: z.string().max(32) }),
      responses: { 200: DeviceRequest },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => {
        if (params.userCode === '') throw invalidField('userCode', 'must be the code shown on the device');
        return getDeviceRequest(people, signedInOf(request), params.userCode);
      },
    }),
    decisionRoute('approved', 'approve'),
    decisionRoute('denied', 'deny'),
  ];
}
