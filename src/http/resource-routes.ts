import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { etagOf } from '../audit/if-match.ts';
import type { RequestContext } from '../audit/request-context.ts';
import type { Code } from '../contract/error-codes.ts';
import { type Page, pageOf } from '../contract/paging.ts';
import type { PlatformContext } from '../platform/context.ts';
import type { AllowedResources } from '../store/resource-access.ts';
import type { AppContext } from './app-context.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { allowedResourcesOf } from './resource-access.ts';
import { type CommonRouteFields, NoContent, type Route, route } from './route.ts';

/** A type of resource that a path names by ID or slug: the declarations and functions of its five routes. */
interface Resource<Item, Query extends z.ZodType, Create extends z.ZodType, Update extends z.ZodType> {
  /** The name of the parameter in the path and, in the plural, of the list: `/v1/projects/:project`. */
  readonly noun: 'project' | 'app' | 'server' | 'script';
  readonly tag: string;
  readonly schema: z.ZodType<Item>;
  readonly list: CommonRouteFields & {
    readonly query: Query;
    readonly errorCodes?: readonly Code[];
    readonly action: (
      platform: PlatformContext,
      workspaceId: string,
      query: z.output<Query>,
      allowed: AllowedResources | null,
    ) => Promise<Page<Item>>;
  };
  readonly create: CommonRouteFields & {
    readonly body: Create;
    readonly action: (
      platform: PlatformContext,
      requestContext: RequestContext,
      input: z.output<Create>,
    ) => Promise<Item>;
  };
  readonly get: CommonRouteFields & {
    readonly action: (platform: PlatformContext, workspaceId: string, idOrSlug: string) => Promise<Item>;
  };
  readonly update: CommonRouteFields & {
    readonly body: Update;
    readonly action: (
      platform: PlatformContext,
      requestContext: RequestContext,
      idOrSlug: string,
      input: z.output<Update>,
    ) => Promise<Item>;
  };
  readonly remove: CommonRouteFields & {
    readonly action: (platform: PlatformContext, requestContext: RequestContext, idOrSlug: string) => Promise<void>;
  };
}

export function sendWithEtag(reply: FastifyReply, item: object): FastifyReply {
  return reply.header('etag', etagOf(item)).send(item);
}

/** Returns the routes of a resource: a paged list, and create, get, edit and delete with entity tags. */
export function resourceRoutes<
  Item extends { readonly id: string },
  Query extends z.ZodType,
  Create extends z.ZodType,
  Update extends z.ZodType,
>(context: AppContext, resource: Resource<Item, Query, Create, Update>): Route[] {
  const { platform } = context;
  const { noun, tag, schema, list, create, get, update, remove } = resource;
  const listUrl = `/v1/${noun}s`;
  const itemRoute = { tag, url: `${listUrl}/:${noun}`, params: z.object({ [noun]: z.string().max(64) }) };
  const idOrSlugIn = (params: Readonly<Record<string, string>>) => params[noun] ?? '';
  return [
    route({
      ...list,
      method: 'GET',
      url: listUrl,
      tag,
      responses: { 200: pageOf(schema) },
      handler: ({ query, request }) =>
        list.action(platform, workspaceIdOf(request), query, allowedResourcesOf(request)),
    }),
    route({
      ...create,
      method: 'POST',
      url: listUrl,
      tag,
      responses: { 201: schema },
      errorCodes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const item = await create.action(platform, requestContextOf(context, request), body);
        return sendWithEtag(reply.header('location', `${listUrl}/${item.id}`), item);
      },
    }),
    route({
      ...get,
      ...itemRoute,
      method: 'GET',
      responses: { 200: schema },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) =>
        sendWithEtag(reply, await get.action(platform, workspaceIdOf(request), idOrSlugIn(params))),
    }),
    route({
      ...update,
      ...itemRoute,
      method: 'PATCH',
      checksIfMatch: true,
      responses: { 200: schema },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const requestContext = requestContextOf(context, request);
        return sendWithEtag(reply, await update.action(platform, requestContext, idOrSlugIn(params), body));
      },
    }),
    route({
      ...remove,
      ...itemRoute,
      method: 'DELETE',
      checksIfMatch: true,
      responses: { 204: NoContent },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request }) => remove.action(platform, requestContextOf(context, request), idOrSlugIn(params)),
    }),
  ];
}
