import { z } from 'zod';
import { pageOf, ResourceQuery } from '../contract/paging.ts';
import { CreateServer, Server, ServerCheck, UpdateServer } from '../contract/servers.ts';
import { etagOf } from '../platform/context.ts';
import {
  checkServer,
  confirmServer,
  createServer,
  deleteServer,
  findServer,
  listServers,
  updateServer,
} from '../platform/resources/servers.ts';
import type { AppContext } from './app-context.ts';
import { type Route, requestContextOf, route, workspaceIdOf } from './route.ts';

const tag = 'Servers';
const ServerParams = z.object({ server: z.string().max(64) });
const readAccess = { person: 'member', key: ['read', 'manage_servers'] } as const;
const writeAccess = { person: 'admin', key: ['write', 'manage_servers'] } as const;

export function serverRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/servers',
      access: readAccess,
      summary: 'List servers',
      tag,
      query: ResourceQuery,
      responses: { 200: pageOf(Server) },
      handler: ({ query, request }) => listServers(platform, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/servers',
      access: writeAccess,
      summary: 'Create a server; for ssh, Devpilot generates a key pair and returns the public key',
      tag,
      body: CreateServer,
      responses: { 201: Server },
      errorCodes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const server = await createServer(platform, requestContextOf(context, request), body);
        return reply
          .code(201)
          .headers({ location: `/v1/servers/${server.id}`, etag: etagOf(server) })
          .send(server);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/servers/:server',
      access: readAccess,
      summary: 'Get a server',
      tag,
      params: ServerParams,
      responses: { 200: Server },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const server = await findServer(platform, workspaceIdOf(request), params.server);
        return reply.header('etag', etagOf(server)).send(server);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/servers/:server',
      access: writeAccess,
      summary: 'Edit a server; a new host, port, user or host key generates a new key pair and must be confirmed',
      tag,
      params: ServerParams,
      body: UpdateServer,
      responses: { 200: Server },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const server = await updateServer(platform, requestContextOf(context, request), params.server, body);
        return reply.header('etag', etagOf(server)).send(server);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/servers/:server',
      access: { person: 'admin', key: ['delete', 'manage_servers'] },
      summary: 'Delete a server that is not in use',
      tag,
      params: ServerParams,
      responses: { 204: z.null().describe('Done') },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteServer(platform, requestContextOf(context, request), params.server);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'POST',
      url: '/v1/servers/:server/check',
      access: { person: 'admin', key: ['manage_servers'] },
      summary: 'Check the connection with the pinned host key',
      tag,
      params: ServerParams,
      responses: { 200: ServerCheck },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request }) => checkServer(platform, requestContextOf(context, request), params.server),
    }),
    route({
      method: 'POST',
      url: '/v1/servers/:server/confirm',
      access: { person: 'admin' },
      summary: 'Confirm the host, port, user and host key of a server, so that commands may run on it',
      tag,
      params: ServerParams,
      responses: { 200: Server },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const server = await confirmServer(platform, requestContextOf(context, request), params.server);
        return reply.header('etag', etagOf(server)).send(server);
      },
    }),
  ];
}
