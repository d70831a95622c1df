import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { etagOf } from '../audit/if-match.ts';
import { writeDotenv } from '../contract/dotenv.ts';
import {
  Environment,
  EnvQuery,
  EnvVariable,
  EnvVersion,
  envName,
  SetVariable,
  UpdateEnvironment,
} from '../contract/environment.ts';
import { RESOURCE_LIMITS } from '../contract/limits.ts';
import { PageQuery, pageOf } from '../contract/paging.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import {
  deleteVariable,
  type EnvironmentSnapshot,
  environmentState,
  listEnvVersions,
  readVariables,
  restoreVersion,
  updateVariables,
} from '../platform/environment/environment.ts';
import type { AppContext } from './app-context.ts';
import { hasRole, requireRole } from './authorize-principal.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { NoContent, type Route, route } from './route.ts';

const tag = 'Environment';
const app = z.string().max(64);
const AppParams = z.object({ app });
const VariableParams = z.object({ app, name: envName });
const UncheckedVariableParams = z.object({ app, name: z.string() });
const VersionParams = z.object({ app, version: z.string().regex(/^\d{1,9}$/, 'must be a version number') });
const readAccess = { person: 'member', token: ['modify_env'] } as const;
const writeAccess = { person: 'admin', token: ['modify_env'] } as const;

/** Checks the name of a new variable. Throws `validation_failed`, not `not_found`: nothing is looked up here. */
function parseVariableName(name: string): string {
  const checked = envName.safeParse(name);
  if (!checked.success) throw invalidField('name', checked.error.issues[0]?.message ?? 'must be valid');
  return checked.data;
}

function withEtag(reply: FastifyReply, { appId, version }: EnvironmentSnapshot): FastifyReply {
  return reply.header('etag', etagOf(environmentState(appId, version)));
}

export function environmentRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/apps/:app/env',
      access: readAccess,
      about: 'app',
      summary:
        'Read the variables. Members get names with null values; showing values to an owner or admin is recorded. With format=dotenv, as text/plain for owners and admins',
      tag,
      params: AppParams,
      query: EnvQuery,
      responses: { 200: Environment },
      errorCodes: ['not_found'],
      handler: async ({ params, query, request, reply }) => {
        // A file of blank values, or a process started with them, would be worse than a refusal.
        if (query.format === 'dotenv' || query.values === 'shown') requireRole(context, request, 'admin');
        const values = hasRole(request, 'admin') ? query.values : 'hidden';
        const environment = await readVariables(platform, requestContextOf(context, request), params.app, {
          ...query,
          values,
        });
        if (query.format !== 'dotenv') return withEtag(reply, environment).send({ data: environment.data });
        const text = writeDotenv(environment.data.map(({ name, value }) => [name, value ?? '']));
        return withEtag(reply, environment).type('text/plain; charset=utf-8').send(text);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/apps/:app/env',
      access: writeAccess,
      about: 'app',
      summary:
        'Set several variables and remove those sent as null, all or none; the response shows only the values that were sent',
      tag,
      params: AppParams,
      body: UpdateEnvironment,
      bodyLimit: RESOURCE_LIMITS.envBodyBytes,
      jsonLimits: { depth: 4, values: 2 * RESOURCE_LIMITS.envVariables + 10 },
      responses: { 200: Environment },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const values = new Map(Object.entries(body.values));
        const environment = await updateVariables(platform, requestContextOf(context, request), params.app, values);
        return withEtag(reply, environment).send({ data: environment.data });
      },
    }),
    route({
      method: 'PUT',
      url: '/v1/apps/:app/env/:name',
      access: writeAccess,
      about: 'app',
      summary:
        'Set a variable. Names that control how programs run (PATH, LD_*, GIT_*, NODE_OPTIONS …) are written to .env only, and not passed to hooks and commands',
      tag,
      params: UncheckedVariableParams,
      body: SetVariable,
      responses: { 200: EnvVariable },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const name = parseVariableName(params.name);
        const values = new Map([[name, body.value]]);
        const environment = await updateVariables(platform, requestContextOf(context, request), params.app, values);
        const variable = environment.data.find((candidate) => candidate.name === name);
        if (variable === undefined) throw new Problem('internal');
        return withEtag(reply, environment).send(variable);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/apps/:app/env/:name',
      access: writeAccess,
      about: 'app',
      summary: 'Remove a variable',
      tag,
      params: VariableParams,
      responses: { 204: NoContent },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request }) =>
        deleteVariable(platform, requestContextOf(context, request), params.app, params.name),
    }),
    route({
      method: 'GET',
      url: '/v1/apps/:app/env/versions',
      access: readAccess,
      about: 'app',
      summary: 'List the versions, newest first, with the names changed and the actor',
      tag,
      params: AppParams,
      query: PageQuery,
      responses: { 200: pageOf(EnvVersion) },
      errorCodes: ['not_found'],
      handler: ({ params, query, request }) => listEnvVersions(platform, workspaceIdOf(request), params.app, query),
    }),
    route({
      method: 'POST',
      url: '/v1/apps/:app/env/versions/:version/restore',
      access: writeAccess,
      about: 'app',
      summary: 'Restore the variables of an earlier version, as a new version',
      tag,
      params: VersionParams,
      responses: { 200: Environment },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const number = Number(params.version);
        const environment = await restoreVersion(platform, requestContextOf(context, request), params.app, number);
        return withEtag(reply, environment).send({ data: environment.data });
      },
    }),
  ];
}
