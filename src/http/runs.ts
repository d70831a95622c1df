import { z } from 'zod';
import { LogLine, LogQuery } from '../contract/log-line.ts';
import { pageOf } from '../contract/schemas.ts';
import { CreateRun, Run, RunQuery } from '../contract/scripts.ts';
import { cancelRun, createRun, getRun, listRunsOf } from '../workspace/runs.ts';
import type { House } from './house.ts';
import { sendLog } from './log-stream.ts';
import { changerOf, type Route, route, workspaceIdOf } from './route.ts';

const tag = 'Scripts';
const InPath = z.object({ script: z.string().max(64) });
const Id = z.object({ id: z.string().max(64) });
const access = { person: 'member', token: ['run_scripts'] } as const;

export function runRoutes(house: House): Route[] {
  const { workspace } = house;
  return [
    route({
      method: 'POST',
      url: '/v1/scripts/:script/runs',
      access,
      summary: 'Run a script; its parameters reach it as variables of their names',
      tag,
      params: InPath,
      body: CreateRun.nullish(),
      answers: { 202: Run },
      codes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: async ({ params, body, request, reply }) => {
        const run = await createRun(workspace, changerOf(house, request), params.script, body?.parameters ?? {});
        return reply.code(202).header('location', `/v1/runs/${run.id}`).send(run);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/scripts/:script/runs',
      access,
      summary: 'List the runs of a script, newest first',
      tag,
      params: InPath,
      query: RunQuery,
      answers: { 200: pageOf(Run) },
      codes: ['not_found'],
      handler: ({ params, query, request }) => listRunsOf(workspace, workspaceIdOf(request), params.script, query),
    }),
    route({
      method: 'GET',
      url: '/v1/runs/:id',
      access,
      summary: 'Get a run',
      tag,
      params: Id,
      answers: { 200: Run },
      codes: ['not_found'],
      handler: ({ params, request }) => getRun(workspace, workspaceIdOf(request), params.id),
    }),
    route({
      method: 'GET',
      url: '/v1/runs/:id/logs',
      access,
      summary: 'Read what a run says as NDJSON, a line an object; with follow=true as it says it',
      tag,
      params: Id,
      query: LogQuery,
      answers: { 200: LogLine },
      codes: ['not_found'],
      handler: async ({ params, query, request, reply }) => {
        const { id } = await getRun(workspace, workspaceIdOf(request), params.id);
        return sendLog(house, request, reply, id, query);
      },
    }),
    route({
      method: 'POST',
      url: '/v1/runs/:id/cancel',
      access,
      summary: 'End a run with all its processes; it is cancelled once they are gone',
      tag,
      params: Id,
      answers: { 202: Run },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) =>
        reply.code(202).send(await cancelRun(workspace, changerOf(house, request), params.id)),
    }),
  ];
}
