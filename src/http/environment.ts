import type { FastifyReply } from 'fastify';
import { z } from 'zod';
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
import { invalidField, Problem } from '../contract/problem.ts';
import { PageQuery, pageOf } from '../contract/schemas.ts';
import { RESOURCE_LIMITS } from '../contract/words.ts';
import { tagOf } from '../workspace/context.ts';
import {
  deleteVariable,
  envState,
  listEnvVersions,
  type ReadEnvironment,
  readVariables,
  restoreVersion,
  updateVariables,
} from '../workspace/environment.ts';
import type { House } from './house.ts';
import { checkRole, hasRole } from './principal.ts';
import { changerOf, type Route, route, workspaceIdOf } from './route.ts';

const tag = 'Environment';
const app = z.string().max(64);
const InPath = z.object({ app });
const OneInPath = z.object({ app, name: envName });
const AnyNameInPath = z.object({ app, name: z.string() });
const VersionInPath = z.object({ app, version: z.string().regex(/^\d{1,9}$/, 'takes the number of a version') });
const read = { person: 'member', token: ['modify_env'] } as const;
const write = { person: 'admin', token: ['modify_env'] } as const;

/** The name that a variable is to get. Throws `validation_failed`: nothing is sought here that could be `not_found`. */
function checkedName(name: string): string {
  const checked = envName.safeParse(name);
  if (!checked.success) throw invalidField('name', checked.error.issues[0]?.message ?? 'is not valid');
  return checked.data;
}

function tagged(reply: FastifyReply, { appId, version }: ReadEnvironment): FastifyReply {
  return reply.header('etag', tagOf(envState(appId, version)));
}

export function environmentRoutes(house: House): Route[] {
  const { workspace } = house;
  return [
    route({
      method: 'GET',
      url: '/v1/apps/:app/env',
      access: read,
      summary:
        'Read the variables. Members get names with null values; an owner or admin who is shown values is recorded. With format=dotenv as text/plain, for owners and admins',
      tag,
      params: InPath,
      query: EnvQuery,
      answers: { 200: Environment },
      codes: ['not_found'],
      handler: async ({ params, query, request, reply }) => {
        // A file of blank values, or a process started with them, would be worse than a refusal.
        if (query.format === 'dotenv' || query.values === 'shown') checkRole(house, request, 'admin');
        const values = hasRole(request, 'admin') ? query.values : 'hidden';
        const environment = await readVariables(workspace, changerOf(house, request), params.app, { ...query, values });
        if (query.format !== 'dotenv') return tagged(reply, environment).send({ data: environment.data });
        const text = writeDotenv(environment.data.map(({ name, value }) => [name, value ?? '']));
        return tagged(reply, environment).type('text/plain; charset=utf-8').send(text);
      },
    }),
    route({
      method: 'PATCH',
      url: '/v1/apps/:app/env',
      access: write,
      summary: 'Set many variables and remove those given as null, all or none; the values sent are the ones shown',
      tag,
      params: InPath,
      body: UpdateEnvironment,
      bodyLimit: RESOURCE_LIMITS.envBody,
      jsonLimits: { depth: 4, values: 2 * RESOURCE_LIMITS.envVariables + 10 },
      answers: { 200: Environment },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const values = new Map(Object.entries(body.values));
        const environment = await updateVariables(workspace, changerOf(house, request), params.app, values);
        return tagged(reply, environment).send({ data: environment.data });
      },
    }),
    route({
      method: 'PUT',
      url: '/v1/apps/:app/env/:name',
      access: write,
      summary:
        'Set one variable. Names that control how programs run (PATH, LD_*, GIT_*, NODE_OPTIONS …) reach the app in .env only, not its hooks and commands',
      tag,
      params: AnyNameInPath,
      body: SetVariable,
      answers: { 200: EnvVariable },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const name = checkedName(params.name);
        const values = new Map([[name, body.value]]);
        const environment = await updateVariables(workspace, changerOf(house, request), params.app, values);
        const variable = environment.data.find((one) => one.name === name);
        if (variable === undefined) throw new Problem('internal');
        return tagged(reply, environment).send(variable);
      },
    }),
    route({
      method: 'DELETE',
      url: '/v1/apps/:app/env/:name',
      access: write,
      summary: 'Remove one variable',
      tag,
      params: OneInPath,
      answers: { 204: z.null().describe('Done') },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        await deleteVariable(workspace, changerOf(house, request), params.app, params.name);
        return reply.code(204).send();
      },
    }),
    route({
      method: 'GET',
      url: '/v1/apps/:app/env/versions',
      access: read,
      summary: 'List the versions, newest first: who changed which names',
      tag,
      params: InPath,
      query: PageQuery,
      answers: { 200: pageOf(EnvVersion) },
      codes: ['not_found'],
      handler: ({ params, query, request }) => listEnvVersions(workspace, workspaceIdOf(request), params.app, query),
    }),
    route({
      method: 'POST',
      url: '/v1/apps/:app/env/versions/:version/restore',
      access: write,
      summary: 'Make the variables again what they were in a version; this makes a new one',
      tag,
      params: VersionInPath,
      answers: { 200: Environment },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const number = Number(params.version);
        const environment = await restoreVersion(workspace, changerOf(house, request), params.app, number);
        return tagged(reply, environment).send({ data: environment.data });
      },
    }),
  ];
}
