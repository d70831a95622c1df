import { z } from 'zod';
import { RESOURCE_LIMITS } from '../contract/limits.ts';
import { PageQuery, pageOf } from '../contract/paging.ts';
import { CreateScript, Script, ScriptQuery, ScriptVersion, UpdateScript } from '../contract/scripts.ts';
import { etagOf } from '../platform/context.ts';
import {
  createScript,
  deleteScript,
  findScript,
  listScripts,
  listVersionsOfScript,
  updateScript,
} from '../platform/scripts/scripts.ts';
import type { AppContext } from './app-context.ts';
import { type Route, requestContextOf, route, workspaceIdOf } from './route.ts';

const tag = 'Scripts';
const ScriptParams = z.object({ script: z.string().max(64) });
const readAccess = { person: 'member', token: ['run_scripts'], key: ['read'] } as const;
const writeAccess = { person: 'admin', key: ['write'] } as const;

export function scriptRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/scripts',
      access: readAccess,
      summary: 'List scripts',
      tag,
      query: ScriptQuery,
      responses: { 200: pageOf(Script) },
      errorCodes: ['not_found'],
      handler: ({ query, request }) => listScripts(platform, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/scripts',
      access: writeAccess,
      summary: 'Create a script',
      tag,
      body: CreateScript,
      responses: { 201: Script },
      errorCodes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const script = await createScript(platform, requestContextOf(context, request), body);
        return reply
          .code(201)
          .headers({ location: `/v1/scripts/${script.id}`, etag: etagOf(script) })
          .send(script);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/scripts/:script',
      access: readAccess,
      summary: 'Get a script',
      tag,
      params: ScriptParams,
      responses: { 200: Script },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const script = await findScript(platform, workspaceIdOf(request), params.script);
        return reply.header('etag', etagOf(script)).send(script);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/scripts/:script',
      access: writeAccess,
      summary: 'Edit a script; with If-Match, only if it has not changed since it was read',
      tag,
      params: ScriptParams,
      body: UpdateScript,
      responses: { 200: Script },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const script = await updateScript(platform, requestContextOf(context, request), params.script, body);
        return reply.header('etag', etagOf(script)).send(script);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/scripts/:script',
      access: { person: 'admin', key: ['delete'] },
      summary: 'Delete a script that is not running; its runs are kept',
      tag,
      params: ScriptParams,
      responses: { 204: z.null().describe('Done') },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteScript(platform, requestContextOf(context, request), params.script);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'GET',
      url: '/v1/scripts/:script/versions',
      access: readAccess,
      summary: `List the last ${RESOURCE_LIMITS.scriptVersions} versions, newest first, with their authors`,
      tag,
      params: ScriptParams,
      query: PageQuery,
      responses: { 200: pageOf(ScriptVersion) },
      errorCodes: ['not_found'],
      handler: ({ params, query, request }) =>
        listVersionsOfScript(platform, workspaceIdOf(request), params.script, query),
    }),
  ];
}
