import { z } from 'zod';
import { ResourceQuery } from '../contract/paging.ts';
import { AcceptHostKey, CreateServer, Server, ServerCheck, UpdateServer } from '../contract/servers.ts';
import { checkServer } from '../platform/resources/check-server.ts';
import {
  acceptHostKey,
  confirmServer,
  createServer,
  deleteServer,
  getServer,
  listServers,
  updateServer,
} from '../platform/resources/servers.ts';
import type { AppContext } from './app-context.ts';
import { requestContextOf } from './request-context.ts';
import { resourceRoutes, sendWithEtag } from './resource-routes.ts';
import { type Route, route } from './route.ts';

const tag = 'Servers';
const ServerParams = z.object({ server: z.string().max(64) });
const readAccess = { person: 'member', key: ['read', 'manage_servers'] } as const;
const writeAccess = { person: 'admin', key: ['write', 'manage_servers'] } as const;
const deleteAccess = { person: 'admin', key: ['delete', 'manage_servers'] } as const;

export function serverRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    ...resourceRoutes(context, {
      noun: 'server',
      tag,
      schema: Server,
      list: {
        access: readAccess,
        resourceAccess: 'workspace',
        summary: 'List servers',
        query: ResourceQuery,
        action: listServers,
      },
      create: {
        access: writeAccess,
        resourceAccess: 'workspace',
        summary: 'Create a server',
        description: 'For `ssh`, Devpilot generates a key pair and returns the public key.',
        body: CreateServer,
        action: createServer,
      },
      get: { access: readAccess, resourceAccess: 'workspace', summary: 'Get a server', action: getServer },
      update: {
        access: writeAccess,
        resourceAccess: 'workspace',
        summary: 'Edit a server',
        description:
          'If the host, port, user or host key changes, Devpilot generates a new key pair, and the server must be confirmed again.',
        body: UpdateServer,
        action: updateServer,
      },
      remove: {
        access: deleteAccess,
        resourceAccess: 'workspace',
        summary: 'Delete a server',
        description: 'Not possible while the server is in use.',
        action: deleteServer,
      },
    }),
    route({
      method: 'POST',
      url: '/v1/servers/:server/check',
      access: { person: 'admin', key: ['manage_servers'] },
      resourceAccess: 'workspace',
      summary: 'Check the connection to a server',
      description:
        'Returns the host keys that an SSH server sent. If the server is confirmed, and is local or sent the pinned host key, also runs a command on it and returns its disks, memory and load.',
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
      resourceAccess: 'workspace',
      summary: 'Confirm a server',
      description: 'Commands run on a server only after its host, port, user and host key are confirmed.',
      tag,
      params: ServerParams,
      responses: { 200: Server },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) =>
        sendWithEtag(reply, await confirmServer(platform, requestContextOf(context, request), params.server)),
    }),
    route({
      method: 'POST',
      url: '/v1/servers/:server/host-key',
      access: { person: 'admin' },
      resourceAccess: 'workspace',
      summary: 'Accept a new host key of a server',
      description: "Pins the host key that the last check received. Devpilot's key pair for the server stays the same.",
      tag,
      params: ServerParams,
      body: AcceptHostKey,
      responses: { 200: Server },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) =>
        sendWithEtag(reply, await acceptHostKey(platform, requestContextOf(context, request), params.server, body)),
    }),
  ];
}
