import { z } from 'zod';
import { CreateServer, ResourceQuery, Server, ServerCheck, UpdateServer } from '../contract/resources.ts';
import { pageOf } from '../contract/schemas.ts';
import { tagOf } from '../workspace/context.ts';
import {
  checkServer,
  confirmServer,
  createServer,
  deleteServer,
  findServer,
  listServers,
  updateServer,
} from '../workspace/servers.ts';
import type { House } from './house.ts';
import { changerOf, type Route, route, workspaceIdOf } from './route.ts';

const tag = 'Servers';
const InPath = z.object({ server: z.string().max(64) });
const read = { person: 'member', key: ['read', 'manage_servers'] } as const;
const write = { person: 'admin', key: ['write', 'manage_servers'] } as const;

export function serverRoutes(house: House): Route[] {
  const { workspace } = house;
  return [
    route({
      method: 'GET',
      url: '/v1/servers',
      access: read,
      summary: 'List servers',
      tag,
      query: ResourceQuery,
      answers: { 200: pageOf(Server) },
      handler: ({ query, request }) => listServers(workspace, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/servers',
      access: write,
      summary: 'Create a server; for ssh Devpilot makes the key pair and shows its public half',
      tag,
      body: CreateServer,
      answers: { 201: Server },
      codes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const server = await createServer(workspace, changerOf(house, request), body);
        return reply
          .code(201)
          .headers({ location: `/v1/servers/${server.id}`, etag: tagOf(server) })
          .send(server);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/servers/:server',
      access: read,
      summary: 'Get a server',
      tag,
      params: InPath,
      answers: { 200: Server },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const server = await findServer(workspace, workspaceIdOf(request), params.server);
        return reply.header('etag', tagOf(server)).send(server);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/servers/:server',
      access: write,
      summary: 'Edit a server; another host, port, user or host key makes a new key pair and needs to be confirmed',
      tag,
      params: InPath,
      body: UpdateServer,
      answers: { 200: Server },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const server = await updateServer(workspace, changerOf(house, request), params.server, body);
        return reply.header('etag', tagOf(server)).send(server);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/servers/:server',
      access: { person: 'admin', key: ['delete', 'manage_servers'] },
      summary: 'Delete a server that no app uses',
      tag,
      params: InPath,
      answers: { 204: z.null().describe('Done') },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteServer(workspace, changerOf(house, request), params.server);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'POST',
      url: '/v1/servers/:server/check',
      access: { person: 'admin', key: ['manage_servers'] },
      summary: 'Connect with exactly the pinned host key and say what came of it',
      tag,
      params: InPath,
      answers: { 200: ServerCheck },
      codes: ['not_found', 'conflict'],
      handler: ({ params, request }) => checkServer(workspace, changerOf(house, request), params.server),
    }),
    route({
      method: 'POST',
      url: '/v1/servers/:server/confirm',
      access: { person: 'admin' },
      summary: 'Confirm the host, port, user and host key of a server, so that steps may run on it',
      tag,
      params: InPath,
      answers: { 200: Server },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const server = await confirmServer(workspace, changerOf(house, request), params.server);
        return reply.header('etag', tagOf(server)).send(server);
      },
    }),
  ];
}
