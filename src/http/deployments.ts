import { z } from 'zod';
import { CreateDeployment, CreateRollback, Deployment, DeploymentQuery } from '../contract/deployments.ts';
import { LogLine, LogQuery } from '../contract/log-line.ts';
import { pageOf } from '../contract/schemas.ts';
import { ADVANCED_FIELDS } from '../contract/words.ts';
import { findAppLog, readAppLog } from '../workspace/app-logs.ts';
import { createDeployment, decide, getDeployment, listDeployments, rollBack } from '../workspace/deployments.ts';
import type { House } from './house.ts';
import { sendLog, streamLines } from './log-stream.ts';
import type { Access } from './principal.ts';
import { changerOf, type Route, route, workspaceIdOf } from './route.ts';

const tag = 'Deployments';
const id = z.string().max(64);
const app = z.string().max(64);
const AppInPath = z.object({ app });
const InPath = z.object({ id });
const BothInPath = z.object({ app, id });
const either = ['basic_deployment', 'advanced_deployment'] as const;
const read = { person: 'member', token: either, key: ['read', 'deploy'] } as const;
const cancel = { person: 'member', token: either, key: ['deploy'] } as const;
const trigger = { person: 'member', token: either, key: ['deploy'] } as const;
const advanced = { person: 'member', token: ['advanced_deployment'], key: ['deploy'] } as const;
const basic = { person: 'member', token: ['basic_deployment'], key: ['deploy'] } as const;

/** What a body asks for decides what is needed for it (contract section 7). */
function accessFor(body: unknown): Access {
  const fields: readonly string[] = typeof body === 'object' && body !== null ? Object.keys(body) : [];
  return ADVANCED_FIELDS.some((field) => fields.includes(field)) ? advanced : basic;
}

const NEEDS =
  'An access token needs `basic_deployment`; with any of servers, strategy, batchSize, pauseSeconds, healthCheck, scheduledAt, approval, skipHooks it needs `advanced_deployment`.';

/** Approve, promote, abort, roll back: by a deployment's id alone, and under its app. */
function decisionRoutes(house: House): Route[] {
  const { workspace } = house;
  const decisions = [
    ['approve', 'Approve a deployment that waits for it; not your own where the workspace has other members'],
    ['promote', 'Let a canary go on to the servers that are left'],
    ['abort', 'Give a canary up: its first server goes back to the release before'],
  ] as const;
  const places = [
    { url: '/v1/deployments/:id', params: InPath },
    { url: '/v1/apps/:app/deployments/:id', params: BothInPath },
  ] as const;
  return places.flatMap(({ url, params }) => {
    const whichOf = (given: { id: string; app?: unknown }) => ({
      id: given.id,
      app: typeof given.app === 'string' ? given.app : null,
    });
    return [
      ...decisions.map(([decision, summary]) =>
        route({
          method: 'POST',
          url: `${url}/${decision}`,
          access: advanced,
          summary,
          tag,
          params,
          answers: { 202: Deployment },
          codes: ['not_found', 'conflict'],
          handler: async ({ params: given, request, reply }) =>
            reply.code(202).send(await decide(workspace, changerOf(house, request), whichOf(given), decision)),
        }),
      ),
      route({
        method: 'POST',
        url: `${url}/rollback`,
        access: trigger,
        accessFor,
        summary: `Deploy the commit of this deployment again. ${NEEDS}`,
        tag,
        params,
        body: CreateRollback.nullish(),
        answers: { 202: Deployment },
        codes: ['not_found', 'conflict', 'idempotent_replay'],
        handler: async ({ params: given, body, request, reply }) => {
          const made = await rollBack(workspace, changerOf(house, request), whichOf(given), body ?? {});
          return reply.code(202).header('location', `/v1/deployments/${made.id}`).send(made);
        },
      }),
    ];
  });
}

export function deploymentRoutes(house: House): Route[] {
  const { workspace } = house;
  return [
    route({
      method: 'GET',
      url: '/v1/deployments',
      access: read,
      summary: 'List deployments, newest first',
      tag,
      query: DeploymentQuery,
      answers: { 200: pageOf(Deployment) },
      codes: ['not_found'],
      handler: ({ query, request }) => listDeployments(workspace, workspaceIdOf(request), query),
    }),
    route({
      method: 'GET',
      url: '/v1/deployments/:id',
      access: read,
      summary: 'Get a deployment',
      tag,
      params: InPath,
      answers: { 200: Deployment },
      codes: ['not_found'],
      handler: ({ params, request }) => getDeployment(workspace, workspaceIdOf(request), params.id),
    }),
    route({
      method: 'POST',
      url: '/v1/apps/:app/deployments',
      access: trigger,
      accessFor,
      summary: `Deploy an app. ${NEEDS}`,
      tag,
      params: AppInPath,
      body: CreateDeployment.nullish(),
      answers: { 202: Deployment },
      codes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: async ({ params, body, request, reply }) => {
        const made = await createDeployment(workspace, changerOf(house, request), params.app, body ?? {});
        return reply.code(202).header('location', `/v1/deployments/${made.id}`).send(made);
      },
    }),
    route({
      method: 'POST',
      url: '/v1/deployments/:id/cancel',
      access: cancel,
      summary: 'Cancel a deployment; what it had switched goes back',
      tag,
      params: InPath,
      answers: { 202: Deployment },
      codes: ['not_found', 'conflict'],
      handler: async ({ params, request, reply }) =>
        reply
          .code(202)
          .send(await decide(workspace, changerOf(house, request), { id: params.id, app: null }, 'cancel')),
    }),
    ...decisionRoutes(house),
    route({
      method: 'GET',
      url: '/v1/deployments/:id/logs',
      access: { person: 'member', token: either, key: ['view_logs'] },
      summary: 'Read what was said, as NDJSON; with follow=true until the end',
      tag,
      params: InPath,
      query: LogQuery,
      answers: { 200: LogLine },
      streams: true,
      codes: ['not_found'],
      handler: async ({ params, query, request, reply }) => {
        const { id: logId } = await getDeployment(workspace, workspaceIdOf(request), params.id);
        return sendLog(house, request, reply, logId, query);
      },
    }),
    route({
      method: 'GET',
      url: '/v1/apps/:app/logs',
      access: { person: 'member', key: ['view_logs'] },
      summary: "Read what the app's logCommand says, as NDJSON; with follow=true as long as it goes on",
      tag,
      params: AppInPath,
      query: LogQuery,
      answers: { 200: LogLine },
      streams: true,
      codes: ['not_found', 'conflict'],
      handler: async ({ params, query, request, reply }) => {
        const log = await findAppLog(workspace, workspaceIdOf(request), params.app);
        const how = { from: Number(query.from ?? 0), follow: query.follow === 'true' };
        return streamLines(house, request, reply, (signal) => readAppLog(log, { ...how, signal }));
      },
    }),
  ];
}
