import { z } from 'zod';
import { App, AppQuery, CreateApp, UpdateApp } from '../contract/apps.ts';
import { pageOf } from '../contract/paging.ts';
import { etagOf } from '../platform/context.ts';
import { createApp, deleteApp, findApp, listApps, updateApp } from '../platform/resources/apps.ts';
import type { AppContext } from './app-context.ts';
import { type Route, requestContextOf, route, workspaceIdOf } from './route.ts';

const tag = 'Apps';
const AppParams = z.object({ app: z.string().max(64) });
const readAccess = { person: 'member', key: ['read', 'manage_apps'] } as const;
const writeAccess = { person: 'admin', key: ['write', 'manage_apps'] } as const;

export function appRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/apps',
      access: readAccess,
      summary: 'List apps',
      tag,
      query: AppQuery,
      responses: { 200: pageOf(App) },
      errorCodes: ['not_found'],
      handler: ({ query, request }) => listApps(platform, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/apps',
      access: writeAccess,
      summary: 'Create an app',
      tag,
      body: CreateApp,
      responses: { 201: App },
      errorCodes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const app = await createApp(platform, requestContextOf(context, request), body);
        return reply
          .code(201)
          .headers({ location: `/v1/apps/${app.id}`, etag: etagOf(app) })
          .send(app);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/apps/:app',
      access: readAccess,
      summary: 'Get an app',
      tag,
      params: AppParams,
      responses: { 200: App },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const app = await findApp(platform, workspaceIdOf(request), params.app);
        return reply.header('etag', etagOf(app)).send(app);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/apps/:app',
      access: writeAccess,
      summary: 'Edit an app; with If-Match, only if it has not changed since it was read',
      tag,
      params: AppParams,
      body: UpdateApp,
      responses: { 200: App },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const app = await updateApp(platform, requestContextOf(context, request), params.app, body);
        return reply.header('etag', etagOf(app)).send(app);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/apps/:app',
      access: { person: 'admin', key: ['delete', 'manage_apps'] },
      summary: 'Delete an app and its environment',
      tag,
      params: AppParams,
      responses: { 204: z.null().describe('Done') },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteApp(platform, requestContextOf(context, request), params.app);
        return reply.code(204).send();
      },
    }),
  ];
}
