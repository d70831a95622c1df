import { z } from 'zod';
import { RESOURCE_LIMITS } from '../contract/limits.ts';
import { PageQuery, pageOf } from '../contract/paging.ts';
import { CreateScript, NextRuns, Script, ScriptQuery, ScriptVersion, UpdateScript } from '../contract/scripts.ts';
import {
  createScript,
  deleteScript,
  getScript,
  listNextRuns,
  listScripts,
  listVersionsOfScript,
  updateScript,
} from '../platform/scripts/scripts.ts';
import type { AppContext } from './app-context.ts';
import { workspaceIdOf } from './principal.ts';
import { resourceRoutes } from './resource-routes.ts';
import { type Route, route } from './route.ts';

const tag = 'Scripts';
export const ScriptParams = z.object({ script: z.string().max(64) });
const readAccess = { person: 'member', token: ['run_scripts'], key: ['read'] } as const;
const writeAccess = { person: 'admin', key: ['write'] } as const;

export function scriptRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    ...resourceRoutes(context, {
      noun: 'script',
      tag,
      schema: Script,
      list: {
        access: readAccess,
        resourceAccess: 'filtered',
        summary: 'List scripts',
        query: ScriptQuery,
        errorCodes: ['not_found'],
        action: listScripts,
      },
      create: {
        access: writeAccess,
        resourceAccess: 'filtered',
        summary: 'Create a script',
        body: CreateScript,
        action: createScript,
      },
      get: { access: readAccess, resourceAccess: 'script', summary: 'Get a script', action: getScript },
      update: {
        access: writeAccess,
        resourceAccess: 'script',
        summary: 'Edit a script',
        body: UpdateScript,
        action: updateScript,
      },
      remove: {
        access: { person: 'admin', key: ['delete'] },
        resourceAccess: 'script',
        summary: 'Delete a script',
        description: 'Not possible while the script has unfinished runs. Its finished runs are kept.',
        action: deleteScript,
      },
    }),
    route({
      method: 'GET',
      url: '/v1/scripts/:script/next-runs',
      access: readAccess,
      resourceAccess: 'script',
      summary: 'Get the next scheduled runs of a script',
      description: `Returns the next ${RESOURCE_LIMITS.nextRuns} times at which the schedule is due.`,
      tag,
      params: ScriptParams,
      responses: { 200: NextRuns },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => listNextRuns(platform, workspaceIdOf(request), params.script),
    }),
    route({
      method: 'GET',
      url: '/v1/scripts/:script/versions',
      access: readAccess,
      resourceAccess: 'script',
      summary: 'List the versions of a script',
      description: `Newest first, with their authors. The last ${RESOURCE_LIMITS.scriptVersions} versions are kept.`,
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
