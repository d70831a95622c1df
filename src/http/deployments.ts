import { z } from 'zod';
import { CreateDeployment, CreateRollback, Deployment, DeploymentQuery } from '../contract/deployments.ts';
import { LogLine, LogQuery } from '../contract/logs.ts';
import { pageOf } from '../contract/paging.ts';
import { ADVANCED_DEPLOYMENT_FIELDS } from '../contract/vocabulary.ts';
import {
  applyDeploymentAction,
  createDeployment,
  getDeployment,
  listDeployments,
  rollBack,
} from '../platform/deployments/deployments.ts';
import { findAppLog, readAppLog } from '../platform/logs/app-logs.ts';
import type { AppContext } from './app-context.ts';
import type { Access } from './authenticate-request.ts';
import { sendLog, streamLines } from './log-stream.ts';
import { type Route, requestContextOf, route, workspaceIdOf } from './route.ts';

const tag = 'Deployments';
const id = z.string().max(64);
const app = z.string().max(64);
const AppParams = z.object({ app });
const DeploymentParams = z.object({ id });
const AppDeploymentParams = z.object({ app, id });
const ANY_DEPLOYMENT_SCOPE = ['basic_deployment', 'advanced_deployment'] as const;
const readAccess = { person: 'member', token: ANY_DEPLOYMENT_SCOPE, key: ['read', 'deploy'] } as const;
const cancelAccess = { person: 'member', token: ANY_DEPLOYMENT_SCOPE, key: ['deploy'] } as const;
const triggerAccess = { person: 'member', token: ANY_DEPLOYMENT_SCOPE, key: ['deploy'] } as const;
const advancedAccess = { person: 'member', token: ['advanced_deployment'], key: ['deploy'] } as const;
const basicAccess = { person: 'member', token: ['basic_deployment'], key: ['deploy'] } as const;

/** The additional requirement of a deployment depends on the fields of its body (contract section 7). */
function accessFor(body: unknown): Access {
  const fields: readonly string[] = typeof body === 'object' && body !== null ? Object.keys(body) : [];
  return ADVANCED_DEPLOYMENT_FIELDS.some((field) => fields.includes(field)) ? advancedAccess : basicAccess;
}

const SCOPE_NOTE =
  'An access token needs `basic_deployment`, or `advanced_deployment` to set servers, strategy, batchSize, pauseSeconds, healthCheck, scheduledAt, approval or skipHooks.';

/** Approve, promote, abort and roll back, each by the deployment's id alone and under its app. */
function deploymentActionRoutes(context: AppContext): Route[] {
  const { platform } = context;
  const actions = [
    ['approve', 'Approve a deployment; not your own if the workspace has other members'],
    ['promote', 'Promote a canary deployment to the remaining servers'],
    ['abort', 'Abort a canary deployment; its first server rolls back to the previous release'],
  ] as const;
  const pathVariants = [
    { url: '/v1/deployments/:id', params: DeploymentParams },
    { url: '/v1/apps/:app/deployments/:id', params: AppDeploymentParams },
  ] as const;
  return pathVariants.flatMap(({ url, params }) => {
    const deploymentRefOf = (pathParams: { id: string; app?: unknown }) => ({
      id: pathParams.id,
      app: typeof pathParams.app === 'string' ? pathParams.app : null,
    });
    return [
      ...actions.map(([action, summary]) =>
        route({
          method: 'POST',
          url: `${url}/${action}`,
          access: advancedAccess,
          summary,
          tag,
          params,
          responses: { 202: Deployment },
          errorCodes: ['not_found', 'conflict'],
          handler: async ({ params: pathParams, request, reply }) =>
            reply
              .code(202)
              .send(
                await applyDeploymentAction(
                  platform,
                  requestContextOf(context, request),
                  deploymentRefOf(pathParams),
                  action,
                ),
              ),
        }),
      ),
      route({
        method: 'POST',
        url: `${url}/rollback`,
        access: triggerAccess,
        accessFor,
        summary: `Roll back to the commit of this deployment. ${SCOPE_NOTE}`,
        tag,
        params,
        body: CreateRollback.nullish(),
        responses: { 202: Deployment },
        errorCodes: ['not_found', 'conflict', 'idempotent_replay'],
        handler: async ({ params: pathParams, body, request, reply }) => {
          const created = await rollBack(
            platform,
            requestContextOf(context, request),
            deploymentRefOf(pathParams),
            body ?? {},
          );
          return reply.code(202).header('location', `/v1/deployments/${created.id}`).send(created);
        },
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
      summary: 'List deployments, newest first',
      tag,
      query: DeploymentQuery,
      responses: { 200: pageOf(Deployment) },
      errorCodes: ['not_found'],
      handler: ({ query, request }) => listDeployments(platform, workspaceIdOf(request), query),
    }),
    route({
      method: 'GET',
      url: '/v1/deployments/:id',
      access: readAccess,
      summary: 'Get a deployment',
      tag,
      params: DeploymentParams,
      responses: { 200: Deployment },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => getDeployment(platform, workspaceIdOf(request), params.id),
    }),
    route({
      method: 'POST',
      url: '/v1/apps/:app/deployments',
      access: triggerAccess,
      accessFor,
      summary: `Deploy an app. ${SCOPE_NOTE}`,
      tag,
      params: AppParams,
      body: CreateDeployment.nullish(),
      responses: { 202: Deployment },
      errorCodes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: async ({ params, body, request, reply }) => {
        const created = await createDeployment(platform, requestContextOf(context, request), params.app, body ?? {});
        return reply.code(202).header('location', `/v1/deployments/${created.id}`).send(created);
      },
    }),
    route({
      method: 'POST',
      url: '/v1/deployments/:id/cancel',
      access: cancelAccess,
      summary: 'Cancel a deployment; servers already switched are rolled back',
      tag,
      params: DeploymentParams,
      responses: { 202: Deployment },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) =>
        reply
          .code(202)
          .send(
            await applyDeploymentAction(
              platform,
              requestContextOf(context, request),
              { id: params.id, app: null },
              'cancel',
            ),
          ),
    }),
    ...deploymentActionRoutes(context),
    route({
      method: 'GET',
      url: '/v1/deployments/:id/logs',
      access: { person: 'member', token: ANY_DEPLOYMENT_SCOPE, key: ['view_logs'] },
      summary: 'Read the log of a deployment as NDJSON; with follow=true, until it ends',
      tag,
      params: DeploymentParams,
      query: LogQuery,
      responses: { 200: LogLine },
      streamsNdjson: true,
      errorCodes: ['not_found'],
      handler: async ({ params, query, request, reply }) => {
        const { id: logId } = await getDeployment(platform, workspaceIdOf(request), params.id);
        return sendLog(context, request, reply, logId, query);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/apps/:app/logs',
      access: { person: 'member', key: ['view_logs'] },
      summary: "Read the output of the app's logCommand as NDJSON; with follow=true, until it ends",
      tag,
      params: AppParams,
      query: LogQuery,
      responses: { 200: LogLine },
      streamsNdjson: true,
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, query, request, reply }) => {
        const log = await findAppLog(platform, workspaceIdOf(request), params.app);
        const options = { from: Number(query.from ?? 0), follow: query.follow === 'true' };
        return streamLines(context, request, reply, (signal) => readAppLog(log, { ...options, signal }));
      },
    }),
  ];
}
