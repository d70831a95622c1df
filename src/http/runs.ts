import { z } from 'zod';
import { LogLine, LogQuery } from '../contract/logs.ts';
import { pageOf } from '../contract/paging.ts';
import { CreateRun, Run, RunQuery } from '../contract/scripts.ts';
import { cancelRun, createRun, getRun, listRunsOf } from '../platform/scripts/runs.ts';
import type { AppContext } from './app-context.ts';
import { sendLog } from './log-stream.ts';
import { type Route, requestContextOf, route, workspaceIdOf } from './route.ts';

const tag = 'Scripts';
const ScriptParams = z.object({ script: z.string().max(64) });
const RunParams = z.object({ id: z.string().max(64) });
const access = { person: 'member', token: ['run_scripts'] } as const;

export function runRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'POST',
      url: '/v1/scripts/:script/runs',
      access,
      summary: 'Run a script; parameters are passed as environment variables',
      tag,
      params: ScriptParams,
      body: CreateRun.nullish(),
      responses: { 202: Run },
      errorCodes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: async ({ params, body, request, reply }) => {
        const run = await createRun(
          platform,
          requestContextOf(context, request),
          params.script,
          body?.parameters ?? {},
        );
        return reply.code(202).header('location', `/v1/runs/${run.id}`).send(run);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/scripts/:script/runs',
      access,
      summary: 'List the runs of a script, newest first',
      tag,
      params: ScriptParams,
      query: RunQuery,
      responses: { 200: pageOf(Run) },
      errorCodes: ['not_found'],
      handler: ({ params, query, request }) => listRunsOf(platform, workspaceIdOf(request), params.script, query),
    }),
    route({
      method: 'GET',
      url: '/v1/runs/:id',
      access,
      summary: 'Get a run',
      tag,
      params: RunParams,
      responses: { 200: Run },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => getRun(platform, workspaceIdOf(request), params.id),
    }),
    route({
      method: 'GET',
      url: '/v1/runs/:id/logs',
      access,
      summary: 'Read the log of a run as NDJSON, one object per line; with follow=true, until it ends',
      tag,
      params: RunParams,
      query: LogQuery,
      responses: { 200: LogLine },
      errorCodes: ['not_found'],
      handler: async ({ params, query, request, reply }) => {
        const { id } = await getRun(platform, workspaceIdOf(request), params.id);
        return sendLog(context, request, reply, id, query);
      },
    }),
    route({
      method: 'POST',
      url: '/v1/runs/:id/cancel',
      access,
      summary: 'Cancel a run; its status changes once all its processes have ended',
      tag,
      params: RunParams,
      responses: { 202: Run },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) =>
        reply.code(202).send(await cancelRun(platform, requestContextOf(context, request), params.id)),
    }),
  ];
}
