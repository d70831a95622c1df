import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { RevocationReceipt } from '../authorization/registry.ts';
import { AccessToken, AccessTokenQuery, CreateAccessToken, CreatedAccessToken } from '../contract/access-tokens.ts';
import { ApiKey, ApiKeyQuery, CreateApiKey, CreatedApiKey, UpdateApiKey } from '../contract/api-keys.ts';
import { CredentialUses } from '../contract/credentials.ts';
import { pageOf } from '../contract/paging.ts';
import { Problem } from '../contract/problem.ts';
import { type CredentialKind, HEADERS } from '../contract/vocabulary.ts';
import { createAccessToken, findAccessToken, listAccessTokens } from '../credentials/access-tokens.ts';
import { createApiKey, findApiKey, listApiKeys, updateApiKey } from '../credentials/api-keys.ts';
import { deleteCredential, findUses } from '../credentials/credentials.ts';
import type { AppContext } from './app-context.ts';
import { memberRequestContextOf, membershipOf, type Route, route } from './route.ts';

const IdParams = z.object({ id: z.string().max(64) });
/** Sets the header that says which nodes confirmed a deletion or an edit, and how long that took. */
function setRevocationHeader(reply: FastifyReply, { nodes, confirmed, ms }: RevocationReceipt): void {
  reply.header(HEADERS.revocation, `nodes=${nodes} confirmed=${confirmed} ms=${ms}`);
}

const NoContent = z.null().describe('Done');

function usesRoute(context: AppContext, kind: CredentialKind): Route {
  return route({
    method: 'GET',
    url: kind === 'access_token' ? '/v1/access-tokens/:id/uses' : '/v1/api-keys/:id/uses',
    access: { person: 'member' },
    summary: 'Get uses per day for 30 days, and client addresses',
    tag: kind === 'access_token' ? 'Access tokens' : 'API keys',
    params: IdParams,
    responses: { 200: CredentialUses },
    errorCodes: ['not_found'],
    handler: ({ params, request }) => findUses(context.credentials, membershipOf(request).workspaceId, kind, params.id),
  });
}

const IMMUTABLE_MESSAGE = 'An access token is immutable. Delete it and create a new one.';

export function accessTokenRoutes(context: AppContext): Route[] {
  const { credentials } = context;
  const tag = 'Access tokens';
  const immutableRoute = (method: 'PATCH' | 'PUT') =>
    route({
      method,
      url: '/v1/access-tokens/:id',
      access: { public: true },
      summary: 'Always refused: access tokens are immutable',
      tag,
      // The response is the same for every body, so the body is not parsed.
      bodyFormat: 'bytes',
      responses: {},
      errorCodes: ['immutable'],
      handler: () => {
        throw new Problem('immutable', IMMUTABLE_MESSAGE, { allow: ['GET', 'HEAD', 'DELETE'] });
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
      responses: { 200: pageOf(AccessToken) },
      handler: ({ query, request }) => listAccessTokens(credentials, membershipOf(request).workspaceId, query),
    }),
    route({
      method: 'POST',
      url: '/v1/access-tokens',
      access: { person: 'admin' },
      summary: 'Create an access token',
      tag,
      body: CreateAccessToken,
      responses: { 201: CreatedAccessToken },
      errorCodes: ['idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const created = await createAccessToken(credentials, memberRequestContextOf(context, request), body);
        return reply.code(201).header('location', `/v1/access-tokens/${created.id}`).send(created);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/access-tokens/:id',
      access: { person: 'member' },
      summary: 'Get an access token',
      tag,
      params: IdParams,
      responses: { 200: AccessToken },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => findAccessToken(credentials, membershipOf(request).workspaceId, params.id),
    }),
    route({
      method: 'DELETE',
      url: '/v1/access-tokens/:id',
      access: { person: 'admin' },
      summary: 'Delete an access token; it stops working before the response is sent',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        setRevocationHeader(
          reply,
          await deleteCredential(credentials, memberRequestContextOf(context, request), 'access_token', params.id),
        );
        return reply.code(204).send();
      },
    }),
    usesRoute(context, 'access_token'),
    immutableRoute('PATCH'),
    immutableRoute('PUT'),
  ];
}

export function apiKeyRoutes(context: AppContext): Route[] {
  const { credentials } = context;
  const tag = 'API keys';
  return [
    route({
      method: 'GET',
      url: '/v1/api-keys',
      access: { person: 'member' },
      summary: 'List API keys',
      tag,
      query: ApiKeyQuery,
      responses: { 200: pageOf(ApiKey) },
      handler: ({ query, request }) => listApiKeys(credentials, membershipOf(request).workspaceId, query),
    }),
    route({
      method: 'POST',
      url: '/v1/api-keys',
      access: { person: 'admin' },
      summary: 'Create an API key',
      tag,
      body: CreateApiKey,
      responses: { 201: CreatedApiKey },
      errorCodes: ['idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const created = await createApiKey(credentials, memberRequestContextOf(context, request), body);
        return reply.code(201).header('location', `/v1/api-keys/${created.id}`).send(created);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/api-keys/:id',
      access: { person: 'member' },
      summary: 'Get an API key',
      tag,
      params: IdParams,
      responses: { 200: ApiKey },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => findApiKey(credentials, membershipOf(request).workspaceId, params.id),
    }),
    route({
      method: 'PATCH',
      url: '/v1/api-keys/:id',
      essential: true,
      access: { person: 'admin' },
      summary: 'Edit an API key; its secret never changes',
      tag,
      params: IdParams,
      body: UpdateApiKey,
      responses: { 200: ApiKey },
      errorCodes: ['not_found'],
      handler: async ({ params, body, request, reply }) => {
        const { key, receipt } = await updateApiKey(
          credentials,
          memberRequestContextOf(context, request),
          params.id,
          body,
        );
        if (receipt !== null) setRevocationHeader(reply, receipt);
        return key;
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/api-keys/:id',
      access: { person: 'admin' },
      summary: 'Delete an API key; it stops working before the response is sent',
      tag,
      params: IdParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        setRevocationHeader(
          reply,
          await deleteCredential(credentials, memberRequestContextOf(context, request), 'api_key', params.id),
        );
        return reply.code(204).send();
      },
    }),
    usesRoute(context, 'api_key'),
  ];
}
