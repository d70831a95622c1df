import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  CreateDeployment,
  CreateRollback,
  Deployment,
  DeploymentQuery,
  DeploymentVariables,
} from '../contract/deployments.ts';
import { pageOf } from '../contract/paging.ts';
import { ADVANCED_DEPLOYMENT_FIELDS } from '../contract/platform-vocabulary.ts';
import {
  applyDeploymentAction,
  createDeployment,
  getDeployment,
  listDeployments,
  rollBack,
} from '../platform/deployments/deployments.ts';
import { overridesOf, retryDeployment } from '../platform/deployments/retry.ts';
import { compareVariables } from '../platform/deployments/variables.ts';
import { getAppLog, readAppLog } from '../platform/logs/app-logs.ts';
import type { Access } from './access.ts';
import type { AppContext } from './app-context.ts';
import { jobRoute, logRoute } from './job-routes.ts';
import { workspaceIdOf } from './principal.ts';
import { allowedResourcesOf, isAllowed } from './resource-access.ts';
import { AppParams, IdParams, type Route, route } from './route.ts';

const tag = 'Deployments';
const AppDeploymentParams = z.object({ ...AppParams.shape, ...IdParams.shape });
const ANY_DEPLOYMENT_SCOPE = ['basic_deployment', 'advanced_deployment'] as const;
const readAccess = { person: 'member', token: ANY_DEPLOYMENT_SCOPE, key: ['read', 'deploy'] } as const;
const triggerAccess = { person: 'member', token: ANY_DEPLOYMENT_SCOPE, key: ['deploy'] } as const;
const advancedAccess = { person: 'member', token: ['advanced_deployment'], key: ['deploy'] } as const;
const basicAccess = { person: 'member', token: ['basic_deployment'], key: ['deploy'] } as const;

/** Returns the access for a deployment with these fields: some fields require `advanced_deployment`. */
function accessForFields(body: unknown): Access {
  const fields: readonly string[] = typeof body === 'object' && body !== null ? Object.keys(body) : [];
  return ADVANCED_DEPLOYMENT_FIELDS.some((field) => fields.includes(field)) ? advancedAccess : basicAccess;
}

const advancedFieldNames = ADVANCED_DEPLOYMENT_FIELDS.map((field) => `\`${field}\``);
const advancedFieldList = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(advancedFieldNames);
const SCOPE_NOTE = `An access token needs \`basic_deployment\`. To set ${advancedFieldList}, it needs \`advanced_deployment\` instead.`;

/**
 * Routes to approve, promote, abort, retry or roll back to a deployment. Each exists with and without the app in its
 * path.
 */
function deploymentActionRoutes(context: AppContext): Route[] {
  const { platform } = context;
  const actions = [
    {
      action: 'approve',
      summary: 'Approve a deployment',
      description: 'You cannot approve your own deployment if the workspace has other members.',
    },
    {
      action: 'promote',
      summary: 'Promote a canary deployment',
      description: 'Continues the deployment on the remaining servers.',
    },
    {
      action: 'abort',
      summary: 'Abort a canary deployment',
      description: 'Rolls the first server back to the previous release.',
    },
  ] as const;
  const pathVariants = [
    { url: '/v1/deployments/:id', params: IdParams },
    { url: '/v1/apps/:app/deployments/:id', params: AppDeploymentParams },
  ] as const;
  // A retry has the overrides of the deployment, so it requires the same access as a deployment with these fields.
  const accessOfRetry = async (request: FastifyRequest) => {
    const { id } = request.params as z.infer<typeof IdParams>;
    const workspaceId = workspaceIdOf(request);
    const allowed = allowedResourcesOf(request);
    // The request is authenticated again after this function, and then refused as if the deployment did not exist.
    if (allowed !== null && !(await isAllowed(context, 'deployment', workspaceId, id, allowed))) return triggerAccess;
    const overrides = await overridesOf(platform, workspaceId, id);
    return overrides === undefined ? triggerAccess : accessForFields(overrides);
  };
  return pathVariants.flatMap(({ url, params }) => {
    const deploymentRefOf = (pathParams: { id: string; app?: unknown }) => ({
      id: pathParams.id,
      app: typeof pathParams.app === 'string' ? pathParams.app : null,
    });
    return [
      ...actions.map(({ action, summary, description }) =>
        jobRoute(context, {
          url: `${url}/${action}`,
          access: advancedAccess,
          resourceAccess: 'deployment',
          summary,
          description,
          tag,
          params,
          schema: Deployment,
          action: (request, pathParams) =>
            applyDeploymentAction(platform, request, deploymentRefOf(pathParams), action),
        }),
      ),
      jobRoute(context, {
        url: `${url}/retry`,
        access: triggerAccess,
        resourceAccess: 'deployment',
        accessForResource: accessOfRetry,
        summary: 'Retry a failed deployment',
        description:
          'Continues from the failed step, or earlier if hooks or variables have changed, with the same commit, servers and options. An access token needs the same scope as for creating the deployment.',
        tag,
        params,
        schema: Deployment,
        action: (request, pathParams) => retryDeployment(platform, request, deploymentRefOf(pathParams)),
      }),
      jobRoute(context, {
        url: `${url}/rollback`,
        access: triggerAccess,
        resourceAccess: 'deployment',
        accessForBody: accessForFields,
        summary: 'Roll back to a deployment',
        description: `Creates a deployment with the same commit. ${SCOPE_NOTE}`,
        tag,
        params,
        body: CreateRollback.nullish(),
        schema: Deployment,
        createdIn: '/v1/deployments',
        action: (request, pathParams, body) => rollBack(platform, request, deploymentRefOf(pathParams), body ?? {}),
      }),
    ];
  });
}

export function deploymentRoutes(context: AppContext): Route[] {
  const { platform } = context;
  return [
    route({
      method: 'GET',
      url: '/v1/deployments',
      access: readAccess,
      resourceAccess: 'filtered',
      summary: 'List deployments',
      description: 'Newest first.',
      tag,
      query: DeploymentQuery,
      responses: { 200: pageOf(Deployment) },
      errorCodes: ['not_found'],
      handler: ({ query, request }) =>
        listDeployments(platform, workspaceIdOf(request), query, allowedResourcesOf(request)),
    }),
    route({
      method: 'GET',
      url: '/v1/deployments/:id',
      access: readAccess,
      resourceAccess: 'deployment',
      summary: 'Get a deployment',
      tag,
      params: IdParams,
      responses: { 200: Deployment },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => getDeployment(platform, workspaceIdOf(request), params.id),
    }),
    route({
      method: 'GET',
      url: '/v1/deployments/:id/variables',
      access: { person: 'member', token: ['modify_env'] },
      resourceAccess: 'deployment',
      summary: 'Compare the variables of a deployment',
      description:
        'Lists the names of the variables, and those that were added, removed or changed since the previous release. Never returns values.',
      tag,
      params: IdParams,
      responses: { 200: DeploymentVariables },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => compareVariables(platform, workspaceIdOf(request), params.id),
    }),
    jobRoute(context, {
      url: '/v1/apps/:app/deployments',
      access: triggerAccess,
      resourceAccess: 'app',
      accessForBody: accessForFields,
      summary: 'Deploy an app',
      description: SCOPE_NOTE,
      tag,
      params: AppParams,
      body: CreateDeployment.nullish(),
      schema: Deployment,
      createdIn: '/v1/deployments',
      action: (request, params, body) => createDeployment(platform, request, params.app, body ?? {}),
    }),
    jobRoute(context, {
      url: '/v1/deployments/:id/cancel',
      access: triggerAccess,
      resourceAccess: 'deployment',
      summary: 'Cancel a deployment',
      description: 'Servers on which the new release is already live are rolled back.',
      tag,
      params: IdParams,
      schema: Deployment,
      action: (request, { id }) => applyDeploymentAction(platform, request, { id, app: null }, 'cancel'),
    }),
    ...deploymentActionRoutes(context),
    logRoute(context, {
      url: '/v1/deployments/:id/logs',
      access: { person: 'member', token: ANY_DEPLOYMENT_SCOPE, key: ['view_logs'] },
      resourceAccess: 'deployment',
      summary: 'Read the log of a deployment',
      description:
        'Returns one JSON object per line (NDJSON). With `follow=true`, streams new lines until the log ends.',
      tag,
      params: IdParams,
      errorCodes: ['not_found'],
      openLog: async (workspaceId, params) => {
        const { id } = await getDeployment(platform, workspaceId, params.id);
        return (options) => platform.logs.read(workspaceId, id, options);
      },
    }),
    logRoute(context, {
      url: '/v1/apps/:app/logs',
      access: { person: 'member', key: ['view_logs'] },
      resourceAccess: 'app',
      summary: 'Read the log of an app',
      description:
        "Runs the app's `logCommand` and returns its output as one JSON object per line (NDJSON). With `follow=true`, streams new lines until the command ends.",
      tag,
      params: AppParams,
      errorCodes: ['not_found', 'conflict'],
      openLog: async (workspaceId, params) => {
        const log = await getAppLog(platform, workspaceId, params.app);
        return (options) => readAppLog(log, options);
      },
    }),
  ];
}
