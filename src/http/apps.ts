import { z } from 'zod';
import { App, AppQuery, CreateApp, UpdateApp } from '../contract/resources.ts';
import { pageOf } from '../contract/schemas.ts';
import { createApp, deleteApp, findApp, listApps, updateApp } from '../workspace/apps.ts';
import { tagOf } from '../workspace/context.ts';
import type { House } from './house.ts';
import { changerOf, type Route, route, workspaceIdOf } from './route.ts';

const tag = 'Apps';
const InPath = z.object({ app: z.string().max(64) });
const read = { person: 'member', key: ['read', 'manage_apps'] } as const;
const write = { person: 'admin', key: ['write', 'manage_apps'] } as const;

export function appRoutes(house: House): Route[] {
  const { workspace } = house;
  return [
    route({
      method: 'GET',
      url: '/v1/apps',
      access: read,
      summary: 'List apps',
      tag,
      query: AppQuery,
      answers: { 200: pageOf(App) },
      codes: ['not_found'],
      handler: ({ query, request }) => listApps(workspace, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/apps',
      access: write,
      summary: 'Create an app',
      tag,
      body: CreateApp,
      answers: { 201: App },
      codes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const app = await createApp(workspace, changerOf(house, request), body);
        return reply
          .code(201)
          .headers({ location: `/v1/apps/${app.id}`, etag: tagOf(app) })
          .send(app);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/apps/:app',
      access: read,
      summary: 'Get an app',
      tag,
      params: InPath,
      answers: { 200: App },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const app = await findApp(workspace, workspaceIdOf(request), params.app);
        return reply.header('etag', tagOf(app)).send(app);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/apps/:app',
      access: write,
      summary: 'Edit an app; with If-Match only if it is still the one that was read',
      tag,
      params: InPath,
      body: UpdateApp,
      answers: { 200: App },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const app = await updateApp(workspace, changerOf(house, request), params.app, body);
        return reply.header('etag', tagOf(app)).send(app);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/apps/:app',
      access: { person: 'admin', key: ['delete', 'manage_apps'] },
      summary: 'Delete an app with its environment',
      tag,
      params: InPath,
      answers: { 204: z.null().describe('Done') },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteApp(workspace, changerOf(house, request), params.app);
        return reply.code(204).send();
      },
    }),
  ];
}
