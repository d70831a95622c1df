import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Problem } from '../contract/problem.ts';
import {
  AccessToken,
  AccessTokenQuery,
  ApiKey,
  ApiKeyQuery,
  CreateAccessToken,
  CreateApiKey,
  CreatedAccessToken,
  CreatedApiKey,
  CredentialUses,
  pageOf,
  UpdateApiKey,
} from '../contract/schemas.ts';
import { type CredentialKind, HEADERS } from '../contract/words.ts';
import { createAccessToken, findAccessToken, listAccessTokens } from '../credentials/access-tokens.ts';
import { createApiKey, findApiKey, listApiKeys, updateApiKey } from '../credentials/api-keys.ts';
import { deleteCredential, findUses } from '../credentials/credentials.ts';
import type { Receipt } from '../credentials/store.ts';
import type { House } from './house.ts';
import { askerOf, membershipOf, type Route, route } from './route.ts';

const Id = z.object({ id: z.string().max(64) });
/** Says who confirmed a deletion or an edit, and how long that took. */
function tell(reply: FastifyReply, { nodes, confirmed, ms }: Receipt): void {
  reply.header(HEADERS.revocation, `nodes=${nodes} confirmed=${confirmed} ms=${ms}`);
}

const nothing = z.null().describe('Done');

function usesRoute(house: House, kind: CredentialKind): Route {
  return route({
    method: 'GET',
    url: kind === 'access_token' ? '/v1/access-tokens/:id/uses' : '/v1/api-keys/:id/uses',
    access: { person: 'member' },
    summary: 'Uses a day for 30 days, and the addresses it was used from',
    tag: kind === 'access_token' ? 'Access tokens' : 'API keys',
    params: Id,
    answers: { 200: CredentialUses },
    codes: ['not_found'],
    handler: ({ params, request }) => findUses(house.credentials, membershipOf(request).workspaceId, kind, params.id),
  });
}

const IMMUTABLE = 'An access token is immutable. Delete it and create a new one.';

export function accessTokenRoutes(house: House): Route[] {
  const { credentials } = house;
  const tag = 'Access tokens';
  const immutable = (method: 'PATCH' | 'PUT') =>
    route({
      method,
      url: '/v1/access-tokens/:id',
      access: { public: true },
      summary: 'Refused: access tokens are immutable',
      tag,
      // Whatever is sent, the answer is the same, so no body is worth reading as anything.
      takes: 'bytes',
      answers: {},
      codes: ['immutable'],
      handler: () => {
        throw new Problem('immutable', IMMUTABLE, { allow: ['GET', 'HEAD', 'DELETE'] });
      },
    });
  return [
    route({
      method: 'GET',
      url: '/v1/access-tokens',
      access: { person: 'member' },
      summary: 'List access tokens',
      tag,
      query: AccessTokenQuery,
      answers: { 200: pageOf(AccessToken) },
      handler: ({ query, request }) => listAccessTokens(credentials, membershipOf(request).workspaceId, query),
    }),
    route({
      method: 'POST',
      url: '/v1/access-tokens',
      access: { person: 'admin' },
      summary: 'Create an access token',
      tag,
      body: CreateAccessToken,
      answers: { 201: CreatedAccessToken },
      codes: ['idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const created = await createAccessToken(credentials, askerOf(house, request), body);
        return reply.code(201).header('location', `/v1/access-tokens/${created.id}`).send(created);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/access-tokens/:id',
      access: { person: 'member' },
      summary: 'Get an access token',
      tag,
      params: Id,
      answers: { 200: AccessToken },
      codes: ['not_found'],
      handler: ({ params, request }) => findAccessToken(credentials, membershipOf(request).workspaceId, params.id),
    }),
    route({
      method: 'DELETE',
      url: '/v1/access-tokens/:id',
      access: { person: 'admin' },
      summary: 'Delete an access token; from the moment of the answer on nothing accepts it',
      tag,
      params: Id,
      answers: { 204: nothing },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        tell(reply, await deleteCredential(credentials, askerOf(house, request), 'access_token', params.id));
        return reply.code(204).send();
      },
    }),
    usesRoute(house, 'access_token'),
    immutable('PATCH'),
    immutable('PUT'),
  ];
}

export function apiKeyRoutes(house: House): Route[] {
  const { credentials } = house;
  const tag = 'API keys';
  return [
    route({
      method: 'GET',
      url: '/v1/api-keys',
      access: { person: 'member' },
      summary: 'List API keys',
      tag,
      query: ApiKeyQuery,
      answers: { 200: pageOf(ApiKey) },
      handler: ({ query, request }) => listApiKeys(credentials, membershipOf(request).workspaceId, query),
    }),
    route({
      method: 'POST',
      url: '/v1/api-keys',
      access: { person: 'admin' },
      summary: 'Create an API key',
      tag,
      body: CreateApiKey,
      answers: { 201: CreatedApiKey },
      codes: ['idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const created = await createApiKey(credentials, askerOf(house, request), body);
        return reply.code(201).header('location', `/v1/api-keys/${created.id}`).send(created);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/api-keys/:id',
      access: { person: 'member' },
      summary: 'Get an API key',
      tag,
      params: Id,
      answers: { 200: ApiKey },
      codes: ['not_found'],
      handler: ({ params, request }) => findApiKey(credentials, membershipOf(request).workspaceId, params.id),
    }),
    route({
      method: 'PATCH',
      url: '/v1/api-keys/:id',
      essential: true,
      access: { person: 'admin' },
      summary: 'Edit an API key; its secret never changes',
      tag,
      params: Id,
      body: UpdateApiKey,
      answers: { 200: ApiKey },
      codes: ['not_found'],
      handler: async ({ params, body, request, reply }) => {
        const { key, receipt } = await updateApiKey(credentials, askerOf(house, request), params.id, body);
        if (receipt !== null) tell(reply, receipt);
        return key;
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/api-keys/:id',
      access: { person: 'admin' },
      summary: 'Delete an API key; from the moment of the answer on nothing accepts it',
      tag,
      params: Id,
      answers: { 204: nothing },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        tell(reply, await deleteCredential(credentials, askerOf(house, request), 'api_key', params.id));
        return reply.code(204).send();
      },
    }),
    usesRoute(house, 'api_key'),
  ];
}
