import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { etagOf } from '../audit/if-match.ts';
import { writeEnvFile } from '../contract/env-formats.ts';
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
import type { EnvFileFormat, EnvOwnerKind } from '../contract/platform-vocabulary.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import {
  deleteVariable,
  type EnvironmentSnapshot,
  getVariables,
  listEnvVersions,
  requestsFile,
  restoreVersion,
  updateVariables,
} from '../platform/environment/environment.ts';
import type { AppContext } from './app-context.ts';
import { hasRole, requireRole } from './authorize-principal.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { NoContent, type Route, route } from './route.ts';

const tag = 'Environment';
const readAccess = { person: 'member', token: ['modify_env'] } as const;
const writeAccess = { person: 'admin', token: ['modify_env'] } as const;

/** Checks the name of a variable to set. Throws `validation_failed`; a schema in `params` would throw `not_found`. */
function parseVariableName(name: string): string {
  const checked = envName.safeParse(name);
  if (!checked.success) throw invalidField('name', checked.error.issues[0]?.message ?? 'must be valid');
  return checked.data;
}

function withEtag(reply: FastifyReply, { state }: EnvironmentSnapshot): FastifyReply {
  return reply.header('etag', etagOf(state));
}

/** Returns the text of a variable file. Throws `validation_failed` for a value that the format cannot represent. */
function fileOf(format: EnvFileFormat, { data }: EnvironmentSnapshot): string {
  const result = writeEnvFile(
    format,
    data.map(({ name, value }) => [name, value ?? '']),
  );
  if (result.ok) return result.text;
  throw invalidField('format', `cannot be ${format}: the value of ${result.name} ${result.reason}`);
}

/** The texts of the API reference that differ between the variables of an app and those of a project. */
const TEXTS = {
  app: {
    noun: 'an app',
    list: 'Includes the variables that the app inherits from its project.',
    set: 'Variables that control how programs run (`PATH`, `LD_*`, `GIT_*`, `NODE_OPTIONS` …) are written to `.env` only and not passed to hooks and commands.',
    remove: 'If the project has a variable of the same name, the app inherits it again.',
  },
  project: {
    noun: 'a project',
    list: 'The apps of the project inherit these variables.',
    set: 'From their next deployment, the apps of the project inherit the variable unless they override it.',
    remove: 'From their next deployment, the apps of the project no longer inherit it.',
  },
} as const;

/** The routes for the variables of apps or of projects. */
function variableRoutes(context: AppContext, ownerKind: EnvOwnerKind): Route[] {
  const { platform } = context;
  const url = `/v1/${ownerKind}s/:${ownerKind}/env`;
  const resourceAccess = ownerKind;
  const texts = TEXTS[ownerKind];
  const ownerParam = { [ownerKind]: z.string().max(64) };
  const ownerIn = (params: object) => String((params as Readonly<Record<string, unknown>>)[ownerKind]);
  return [
    route({
      method: 'GET',
      url,
      access: readAccess,
      resourceAccess,
      summary: `List the variables of ${texts.noun}`,
      description: `${texts.list} Access tokens, owners and admins get the values, and showing values to a person is recorded in the activity log. People with the role \`member\` get null values. Formats other than \`json\` are returned as \`text/plain\`, and are refused for the role \`member\`.`,
      tag,
      params: z.object(ownerParam),
      query: EnvQuery,
      responses: { 200: Environment },
      contentTypes: { 'application/json': null, 'text/plain': 'LOG_LEVEL=info\n' },
      errorCodes: ['not_found'],
      handler: async ({ params, query, request, reply }) => {
        // Refuse instead of returning a file with blank values, because a process might be started with the file.
        if (requestsFile(query) || query.values === 'shown') requireRole(context, request, 'admin');
        const values = hasRole(request, 'admin') ? query.values : 'hidden';
        const requestContext = requestContextOf(context, request);
        const environment = await getVariables(platform, requestContext, ownerKind, ownerIn(params), {
          ...query,
          values,
        });
        if (query.format === undefined || query.format === 'json')
          return withEtag(reply, environment).send({ data: environment.data });
        const text = fileOf(query.format, environment);
        return withEtag(reply, environment).type('text/plain; charset=utf-8').send(text);
      },
    }),
    route({
      method: 'PATCH',
      url,
      checksIfMatch: true,
      access: writeAccess,
      resourceAccess,
      summary: `Update several variables of ${texts.noun}`,
      description:
        'Atomically sets variables, and removes variables that are sent as null. The response lists all variables; values that were not sent are null.',
      tag,
      params: z.object(ownerParam),
      body: UpdateEnvironment,
      bodyLimit: RESOURCE_LIMITS.envBodyBytes,
      jsonLimits: { depth: 4, values: 2 * RESOURCE_LIMITS.envVariables + 10 },
      responses: { 200: Environment },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const values = new Map(Object.entries(body.values));
        const requestContext = requestContextOf(context, request);
        const environment = await updateVariables(platform, requestContext, ownerKind, ownerIn(params), values);
        return withEtag(reply, environment).send({ data: environment.data });
      },
    }),
    route({
      method: 'PUT',
      url: `${url}/:name`,
      checksIfMatch: true,
      access: writeAccess,
      resourceAccess,
      summary: `Set a variable of ${texts.noun}`,
      description: texts.set,
      tag,
      params: z.object({ ...ownerParam, name: z.string() }),
      body: SetVariable,
      responses: { 200: EnvVariable },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const name = parseVariableName(String(params['name']));
        const values = new Map([[name, body.value]]);
        const requestContext = requestContextOf(context, request);
        const environment = await updateVariables(platform, requestContext, ownerKind, ownerIn(params), values);
        const variable = environment.data.find((candidate) => candidate.name === name);
        if (variable === undefined) throw new Problem('internal');
        return withEtag(reply, environment).send(variable);
      },
    }),
    route({
      method: 'DELETE',
      url: `${url}/:name`,
      checksIfMatch: true,
      access: writeAccess,
      resourceAccess,
      summary: `Remove a variable of ${texts.noun}`,
      description: texts.remove,
      tag,
      params: z.object({ ...ownerParam, name: envName }),
      responses: { 204: NoContent },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request }) =>
        deleteVariable(
          platform,
          requestContextOf(context, request),
          ownerKind,
          ownerIn(params),
          String(params['name']),
        ),
    }),
    route({
      method: 'GET',
      url: `${url}/versions`,
      access: readAccess,
      resourceAccess,
      summary: `List the versions of the variables of ${texts.noun}`,
      description: 'Newest first. Each has the names of the changed variables and the actor.',
      tag,
      params: z.object(ownerParam),
      query: PageQuery,
      responses: { 200: pageOf(EnvVersion) },
      errorCodes: ['not_found'],
      handler: ({ params, query, request }) =>
        listEnvVersions(platform, workspaceIdOf(request), ownerKind, ownerIn(params), query),
    }),
    route({
      method: 'POST',
      url: `${url}/versions/:version/restore`,
      checksIfMatch: true,
      access: writeAccess,
      resourceAccess,
      summary: `Restore an earlier version of the variables of ${texts.noun}`,
      description:
        'Creates a new version with the variables of the earlier one. The response lists them without values.',
      tag,
      params: z.object({ ...ownerParam, version: z.string().regex(/^\d{1,9}$/, 'must be a version number') }),
      responses: { 200: Environment },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) => {
        const number = Number(params['version']);
        const requestContext = requestContextOf(context, request);
        const environment = await restoreVersion(platform, requestContext, ownerKind, ownerIn(params), number);
        return withEtag(reply, environment).send({ data: environment.data });
      },
    }),
  ];
}

export const environmentRoutes = (context: AppContext): Route[] => [
  ...variableRoutes(context, 'app'),
  ...variableRoutes(context, 'project'),
];
