import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { requireAll } from '../authorization/rights.ts';
import { DeviceToken } from '../contract/devices.ts';
import { ExchangedToken, TOKEN_EXCHANGE_GRANT, TOKEN_TYPES, TokenRequest } from '../contract/oauth.ts';
import { invalidField } from '../contract/problem.ts';
import { type IssuedToken, oauthError } from '../credentials/issued-tokens.ts';
import { exchangeAccessToken } from '../credentials/token-exchange.ts';
import { exchangeWorkloadToken } from '../credentials/workload-exchange.ts';
import { DEVICE_GRANT } from '../people/devices.ts';
import type { AppContext } from './app-context.ts';
import { problemOfDecision } from './decision-problem.ts';
import { pollForDevice, unsupportedGrant } from './devices.ts';
import { originOf } from './request-context.ts';
import { type Route, route } from './route.ts';

const ANY_ACCESS_TOKEN = { access_token: requireAll('access_token', []), api_key: null };

/** Returns the requested limits of the new token. */
const requestedLimits = ({ scope, expires_in: expiresIn, restrictions }: TokenRequest) => ({
  scope,
  expiresIn,
  restrictions,
});

/**
 * Exchanges an access token, which also authenticates the request, for an access token with the same or fewer rights.
 */
async function exchangeOwnToken(
  context: AppContext,
  secret: string,
  body: TokenRequest,
  request: FastifyRequest,
): Promise<IssuedToken> {
  const origin = originOf(request);
  // A token whose uses are limited cannot be exchanged, and the refused attempt must not take one of them.
  const authenticationRequest = { secret, passphrase: body.passphrase ?? null, ...origin, keepsLimitedUses: true };
  const result = await context.authenticator.authenticate(authenticationRequest, ANY_ACCESS_TOKEN);
  if (result.decision === 'ok' && result.record !== null) {
    return exchangeAccessToken(context.workloads, result.record, requestedLimits(body), origin);
  }
  const { passphraseVerifier, clock } = context;
  const problem = problemOfDecision(result, ANY_ACCESS_TOKEN, {
    address: origin.address,
    now: clock(),
    passphraseVerifier,
  });
  if (problem.status === 429) throw problem;
  // RFC 8693, section 2.2.2, requires `invalid_request` for any invalid subject token.
  throw oauthError('invalid_request', `The subject token was refused. ${problem.message}`);
}

function exchangeSubjectToken(context: AppContext, body: TokenRequest, request: FastifyRequest): Promise<IssuedToken> {
  const { subject_token: token, subject_token_type: type, requested_token_type: requested, resource, audience } = body;
  if (token === undefined) throw invalidField('subject_token', 'is required');
  if (requested !== undefined && requested !== TOKEN_TYPES.accessToken)
    throw invalidField('requested_token_type', `must be ${TOKEN_TYPES.accessToken}`);
  if (type === TOKEN_TYPES.accessToken) return exchangeOwnToken(context, token, body, request);
  if (type !== TOKEN_TYPES.idToken && type !== TOKEN_TYPES.jwt)
    throw invalidField('subject_token_type', `must be one of: ${Object.values(TOKEN_TYPES).join(', ')}`);
  const identityId = resource ?? audience;
  if (identityId === undefined)
    throw invalidField('resource', 'is required and must be the ID of the workload identity');
  if (audience !== undefined && audience !== identityId)
    throw oauthError('invalid_target', 'resource and audience must name the same workload identity.');
  return exchangeWorkloadToken(context.workloads, { token, identityId, ...requestedLimits(body) }, originOf(request));
}

/** The OAuth token endpoint. */
export function tokenRoutes(context: AppContext): Route[] {
  return [
    route({
      method: 'POST',
      url: '/v1/oauth/token',
      access: { public: true },
      summary: 'Get a token',
      description:
        'Exchanges the token of a workload, or an access token, for a new access token (RFC 8693). With the device grant, polls for the session of a device (RFC 8628, section 3.4).',
      tag: 'Workload identities',
      body: TokenRequest,
      bodyFormat: 'form or json',
      ignoresQuery: true,
      oauth: true,
      // The order matters: the response is serialized with the first schema that it matches.
      responses: { 200: z.union([ExchangedToken, DeviceToken]) },
      handler: async ({ body, request }) => {
        if (body.grant_type === DEVICE_GRANT) return pollForDevice(context, body, request);
        if (body.grant_type !== TOKEN_EXCHANGE_GRANT) throw unsupportedGrant([TOKEN_EXCHANGE_GRANT, DEVICE_GRANT]);
        const { secret, scopes, lifetimeSeconds } = await exchangeSubjectToken(context, body, request);
        return {
          access_token: secret,
          issued_token_type: TOKEN_TYPES.accessToken,
          token_type: 'Bearer' as const,
          expires_in: lifetimeSeconds,
          scope: scopes.join(' '),
        };
      },
    }),
  ];
}
