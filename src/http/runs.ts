import { pageOf } from '../contract/paging.ts';
import { CreateRun, Run, RunQuery } from '../contract/scripts.ts';
import { cancelRun, createRun, getRun, listRunsOf } from '../platform/scripts/runs.ts';
import type { AppContext } from './app-context.ts';
import { jobRoute, logRoute } from './job-routes.ts';
import { workspaceIdOf } from './principal.ts';
import { IdParams, type Route, route } from './route.ts';
import { ScriptParams } from './scripts.ts';

const tag = 'Scripts';
const access = { person: 'member', token: ['run_scripts'] } as const;

export function runRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    jobRoute(context, {
      url: '/v1/scripts/:script/runs',
      access,
      resourceAccess: 'script',
      summary: 'Run a script',
      description: 'Parameters are passed as environment variables.',
      tag,
      params: ScriptParams,
      body: CreateRun.nullish(),
      schema: Run,
      createdIn: '/v1/runs',
      action: (request, { script }, body) => createRun(platform, request, script, body?.parameters ?? {}),
    }),
    route({
      method: 'GET',
      url: '/v1/scripts/:script/runs',
      access,
      resourceAccess: 'script',
      summary: 'List the runs of a script',
      description: 'Newest first.',
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
      resourceAccess: 'run',
      summary: 'Get a run',
      tag,
      params: IdParams,
      responses: { 200: Run },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => getRun(platform, workspaceIdOf(request), params.id),
    }),
    logRoute(context, {
      url: '/v1/runs/:id/logs',
      access,
      resourceAccess: 'run',
      summary: 'Read the log of a run',
      description:
        'Returns one JSON object per line (NDJSON). With `follow=true`, streams new lines until the log ends.',
      tag,
      params: IdParams,
      errorCodes: ['not_found'],
      openLog: async (workspaceId, params) => {
        const { id } = await getRun(platform, workspaceId, params.id);
        return (options) => platform.logs.read(workspaceId, id, options);
      },
    }),
    jobRoute(context, {
      url: '/v1/runs/:id/cancel',
      access,
      resourceAccess: 'run',
      summary: 'Cancel a run',
      description: 'The status of the run changes when all its processes have ended.',
      tag,
      params: IdParams,
      schema: Run,
      action: (request, { id }) => cancelRun(platform, request, id),
    }),
  ];
}
