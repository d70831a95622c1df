import { z } from 'zod';
import { PageQuery, pageOf } from '../contract/schemas.ts';
import { CreateScript, Script, ScriptQuery, ScriptVersion, UpdateScript } from '../contract/scripts.ts';
import { RESOURCE_LIMITS } from '../contract/words.ts';
import { tagOf } from '../workspace/context.ts';
import {
  createScript,
  deleteScript,
  findScript,
  listScripts,
  listVersionsOfScript,
  updateScript,
} from '../workspace/scripts.ts';
import type { House } from './house.ts';
import { changerOf, type Route, route, workspaceIdOf } from './route.ts';

const tag = 'Scripts';
const InPath = z.object({ script: z.string().max(64) });
const read = { person: 'member', token: ['run_scripts'], key: ['read'] } as const;
const write = { person: 'admin', key: ['write'] } as const;

export function scriptRoutes(house: House): Route[] {
  const { workspace } = house;
  return [
    route({
      method: 'GET',
      url: '/v1/scripts',
      access: read,
      summary: 'List scripts',
      tag,
      query: ScriptQuery,
      answers: { 200: pageOf(Script) },
      codes: ['not_found'],
      handler: ({ query, request }) => listScripts(workspace, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url: '/v1/scripts',
      access: write,
      summary: 'Create a script',
      tag,
      body: CreateScript,
      answers: { 201: Script },
      codes: ['conflict', 'idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const script = await createScript(workspace, changerOf(house, request), body);
        return reply
          .code(201)
          .headers({ location: `/v1/scripts/${script.id}`, etag: tagOf(script) })
          .send(script);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/scripts/:script',
      access: read,
      summary: 'Get a script',
      tag,
      params: InPath,
      answers: { 200: Script },
      codes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const script = await findScript(workspace, workspaceIdOf(request), params.script);
        return reply.header('etag', tagOf(script)).send(script);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/scripts/:script',
      access: write,
      summary: 'Edit a script; with If-Match only if it is still the one that was read',
      tag,
      params: InPath,
      body: UpdateScript,
      answers: { 200: Script },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const script = await updateScript(workspace, changerOf(house, request), params.script, body);
        return reply.header('etag', tagOf(script)).send(script);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/scripts/:script',
      access: { person: 'admin', key: ['delete'] },
      summary: 'Delete a script that is not running; its runs stay',
      tag,
      params: InPath,
      answers: { 204: z.null().describe('Done') },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteScript(workspace, changerOf(house, request), params.script);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'GET',
      url: '/v1/scripts/:script/versions',
      access: read,
      summary: `List the last ${RESOURCE_LIMITS.scriptVersions} versions, newest first: what ran, and who made it so`,
      tag,
      params: InPath,
      query: PageQuery,
      answers: { 200: pageOf(ScriptVersion) },
      codes: ['not_found'],
      handler: ({ params, query, request }) =>
        listVersionsOfScript(workspace, workspaceIdOf(request), params.script, query),
    }),
  ];
}
