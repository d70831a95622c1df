import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { RequestContext } from '../audit/request-context.ts';
import type { RevocationReceipt } from '../authorization/registry.ts';
import { AccessToken, AccessTokenQuery, CreateAccessToken, CreatedAccessToken } from '../contract/access-tokens.ts';
import { ApiKey, ApiKeyQuery, CreateApiKey, CreatedApiKey, UpdateApiKey } from '../contract/api-keys.ts';
import { CredentialUses } from '../contract/credentials.ts';
import { countedPageOf } from '../contract/paging.ts';
import { Problem } from '../contract/problem.ts';
import { type CredentialKind, HEADERS } from '../contract/vocabulary.ts';
import { createAccessToken, getAccessToken, listAccessTokens } from '../credentials/access-tokens.ts';
import { createApiKey, etagOfApiKey, getApiKey, listApiKeys, updateApiKey } from '../credentials/api-keys.ts';
import { getUses } from '../credentials/credential-reads.ts';
import type { CredentialContext } from '../credentials/credentials.ts';
import { deleteCredential } from '../credentials/deletion.ts';
import type { AppContext } from './app-context.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';

/**
 * Sets the header that reports how many nodes confirmed a deletion or an edit, and after how many milliseconds. Sets
 * none for null: nothing had to be confirmed.
 */
export function setRevocationHeader(reply: FastifyReply, receipt: RevocationReceipt | null): void {
  if (receipt === null) return;
  const { nodes, confirmed, ms } = receipt;
  reply.header(HEADERS.revocation, `nodes=${nodes} confirmed=${confirmed} ms=${ms}`);
}

/** A kind of credential: its names, its schemas, and the functions that serve its routes. */
interface CredentialType<Item, Query extends z.ZodType, Create extends z.ZodType> {
  readonly kind: CredentialKind;
  readonly listUrl: string;
  readonly tag: string;
  /** For the API reference, with its article: `an API key`. */
  readonly name: string;
  readonly plural: string;
  readonly schema: z.ZodType<Item>;
  readonly query: Query;
  readonly body: Create;
  readonly createdSchema: z.ZodType;
  readonly list: (context: CredentialContext, workspaceId: string, query: z.output<Query>) => Promise<unknown>;
  readonly find: (context: CredentialContext, workspaceId: string, id: string) => Promise<Item>;
  readonly create: (context: CredentialContext, request: RequestContext, input: z.output<Create>) => Promise<Item>;
  /** Returns the entity tag. Absent, like `editRoute`, if this kind of credential cannot be edited. */
  readonly etagOf?: (item: Item) => string;
  readonly editRoute?: Route;
}

/** The routes of a kind of credential. Only the response to its creation contains the secret of a credential. */
function credentialRoutes<Item extends { readonly id: string }, Query extends z.ZodType, Create extends z.ZodType>(
  context: AppContext,
  type: CredentialType<Item, Query, Create>,
): Route[] {
  const { credentials } = context;
  const { kind, listUrl, tag, name, plural, schema } = type;
  const withEtag = (reply: FastifyReply, item: Item): Item => {
    if (type.etagOf !== undefined) reply.header('etag', type.etagOf(item));
    return item;
  };
  const itemRoute = { tag, url: `${listUrl}/:id`, params: IdParams, errorCodes: ['not_found'] } as const;
  return [
    route({
      method: 'GET',
      url: listUrl,
      access: { person: 'member' },
      summary: `List ${plural}`,
      tag,
      query: type.query,
      responses: { 200: countedPageOf(schema) },
      handler: ({ query, request }) => type.list(credentials, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url: listUrl,
      access: { person: 'admin' },
      summary: `Create ${name}`,
      tag,
      body: type.body,
      responses: { 201: type.createdSchema },
      errorCodes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const created = await type.create(credentials, requestContextOf(context, request), body);
        reply.header('location', `${listUrl}/${created.id}`);
        return withEtag(reply, created);
      },
    }),
    route({
      ...itemRoute,
      method: 'GET',
      access: { person: 'member' },
      summary: `Get ${name}`,
      responses: { 200: schema },
      handler: async ({ params, request, reply }) =>
        withEtag(reply, await type.find(credentials, workspaceIdOf(request), params.id)),
    }),
    ...(type.editRoute === undefined ? [] : [type.editRoute]),
    route({
      ...itemRoute,
      method: 'DELETE',
      access: { person: 'admin' },
      summary: `Delete ${name}`,
      description: 'The credential stops working before the response is sent.',
      responses: { 204: NoContent },
      handler: async ({ params, request, reply }) => {
        const requestContext = requestContextOf(context, request);
        setRevocationHeader(reply, await deleteCredential(credentials, requestContext, kind, params.id));
      },
    }),
    route({
      ...itemRoute,
      method: 'GET',
      url: `${itemRoute.url}/uses`,
      access: { person: 'member' },
      summary: `Get the usage of ${name}`,
      description:
        'Uses and refusals per day of the last 30 days, uses per scope or permission and per guard, and the latest client addresses.',
      responses: { 200: CredentialUses },
      handler: async ({ params, request }) => {
        await context.flushDenials();
        return getUses(credentials, workspaceIdOf(request), kind, params.id);
      },
    }),
  ];
}

const IMMUTABLE_MESSAGE = 'An access token is immutable. Delete it and create a new one.';

export function accessTokenRoutes(context: AppContext): Route[] {
  const listUrl = '/v1/access-tokens';
  const tag = 'Access tokens';
  const immutableRoute = (method: 'PATCH' | 'PUT') =>
    route({
      method,
      url: `${listUrl}/:id`,
      access: { public: true },
      summary: 'Not supported: access tokens are immutable',
      description: 'Always refused with `immutable`. Delete the access token and create a new one.',
      tag,
      // The response is the same for every body, so the body is not parsed.
      bodyFormat: 'bytes',
      responses: {},
      errorCodes: ['immutable'],
      handler: () => {
        throw new Problem('immutable', IMMUTABLE_MESSAGE, { allow: ['GET', 'HEAD', 'DELETE'] });
      },
    });
  const routes = credentialRoutes(context, {
    kind: 'access_token',
    listUrl,
    tag,
    name: 'an access token',
    plural: 'access tokens',
    schema: AccessToken,
    query: AccessTokenQuery,
    body: CreateAccessToken,
    createdSchema: CreatedAccessToken,
    list: listAccessTokens,
    find: getAccessToken,
    create: createAccessToken,
  });
  return [...routes, immutableRoute('PATCH'), immutableRoute('PUT')];
}

export function apiKeyRoutes(context: AppContext): Route[] {
  const listUrl = '/v1/api-keys';
  const tag = 'API keys';
  const editRoute = route({
    method: 'PATCH',
    url: `${listUrl}/:id`,
    essential: true,
    access: { person: 'admin' },
    summary: 'Edit an API key',
    description: 'The secret cannot be changed: to replace it, create a new key and delete this one.',
    tag,
    params: IdParams,
    body: UpdateApiKey,
    responses: { 200: ApiKey },
    errorCodes: ['not_found', 'conflict'],
    checksIfMatch: true,
    handler: async ({ params, body, request, reply }) => {
      const requestContext = requestContextOf(context, request);
      const { key, receipt } = await updateApiKey(context.credentials, requestContext, params.id, body);
      setRevocationHeader(reply, receipt);
      reply.header('etag', etagOfApiKey(key));
      return key;
    },
  });
  return credentialRoutes(context, {
    kind: 'api_key',
    listUrl,
    tag,
    name: 'an API key',
    plural: 'API keys',
    schema: ApiKey,
    query: ApiKeyQuery,
    body: CreateApiKey,
    createdSchema: CreatedApiKey,
    list: listApiKeys,
    find: getApiKey,
    create: createApiKey,
    etagOf: etagOfApiKey,
    editRoute,
  });
}
