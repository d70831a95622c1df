import { z } from 'zod';
import { PageQuery, pageOf } from '../contract/paging.ts';
import {
  CreatedWebhook,
  CreateWebhook,
  UpdateWebhook,
  Webhook,
  WebhookDelivery,
  WebhookDeliveryDetail,
  WebhookSecret,
} from '../contract/webhooks.ts';
import { findDelivery, listDeliveries, redeliver, testWebhook } from '../notify/deliveries.ts';
import {
  createWebhook,
  deleteWebhook,
  etagOfWebhook,
  findWebhook,
  listWebhooks,
  replaceWebhookSecret,
  updateWebhook,
} from '../notify/webhooks.ts';
import type { AppContext } from './app-context.ts';
import { workspaceIdOf } from './principal.ts';
import { requestContextOf } from './request-context.ts';
import { IdParams, NoContent, type Route, route } from './route.ts';

const tag = 'Webhooks';
const access = { person: 'admin' } as const;
const url = '/v1/webhooks';
const named = { tag, access, url: `${url}/:id`, params: IdParams } as const;
const deliveries = { tag, access, url: `${url}/:id/deliveries` } as const;
const DeliveryParams = IdParams.extend({ delivery: z.string().max(64) });

export function webhookRoutes(context: AppContext): Route[] {
  return [...configurationRoutes(context), ...deliveryRoutes(context)];
}

function configurationRoutes(context: AppContext): Route[] {
  const { notify } = context;
  return [
    route({
      ...{ method: 'GET', url, access, tag },
      summary: 'List webhooks, newest first',
      query: PageQuery,
      responses: { 200: pageOf(Webhook) },
      handler: ({ query, request }) => listWebhooks(notify, workspaceIdOf(request), query),
    }),
    route({
      ...{ method: 'POST', url, access, tag },
      summary: 'Create a webhook, which receives the events after its creation; the secret is shown only once',
      body: CreateWebhook,
      responses: { 201: CreatedWebhook },
      errorCodes: ['idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const { secret, ...webhook } = await createWebhook(notify, requestContextOf(context, request), body);
        reply.header('location', `${url}/${webhook.id}`);
        reply.header('etag', etagOfWebhook(webhook)).header('cache-control', 'no-store');
        return { ...webhook, secret };
      },
    }),
    route({
      ...{ ...named, method: 'GET' },
      summary: 'Get a webhook',
      responses: { 200: Webhook },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const webhook = await findWebhook(notify, workspaceIdOf(request), params.id);
        reply.header('etag', etagOfWebhook(webhook));
        return webhook;
      },
    }),
    route({
      ...{ ...named, method: 'PATCH', checksIfMatch: true },
      summary: 'Edit a webhook; `active: true` continues with the first event that was not delivered',
      body: UpdateWebhook,
      responses: { 200: Webhook },
      errorCodes: ['not_found', 'conflict'],
      handler: async ({ params, body, request, reply }) => {
        const webhook = await updateWebhook(notify, requestContextOf(context, request), params.id, body);
        reply.header('etag', etagOfWebhook(webhook));
        return webhook;
      },
    }),
    route({
      ...{ ...named, method: 'DELETE', checksIfMatch: true },
      summary: 'Delete a webhook and its deliveries',
      responses: { 204: NoContent },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request }) => deleteWebhook(notify, requestContextOf(context, request), params.id),
    }),
    route({
      ...{ ...named, method: 'POST', url: `${url}/:id/secret` },
      summary: 'Replace the secret of a webhook; for 24 hours, messages are signed with the previous one too',
      responses: { 201: WebhookSecret },
      errorCodes: ['not_found', 'idempotent_replay'],
      handler: ({ params, request, reply }) => {
        reply.header('cache-control', 'no-store');
        return replaceWebhookSecret(notify, requestContextOf(context, request), params.id);
      },
    }),
  ];
}

function deliveryRoutes(context: AppContext): Route[] {
  const { notify } = context;
  return [
    route({
      ...{ ...named, method: 'POST', url: `${url}/:id/test` },
      summary: 'Send a test message',
      responses: { 202: WebhookDelivery },
      errorCodes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: ({ params, request }) => testWebhook(notify, requestContextOf(context, request), params.id),
    }),
    route({
      ...{ ...deliveries, method: 'GET', params: IdParams },
      summary: 'List the newest deliveries of a webhook, newest first',
      query: PageQuery,
      responses: { 200: pageOf(WebhookDelivery) },
      errorCodes: ['not_found'],
      handler: ({ params, query, request }) => listDeliveries(notify, workspaceIdOf(request), params.id, query),
    }),
    route({
      ...{ ...deliveries, method: 'GET', url: `${deliveries.url}/:delivery`, params: DeliveryParams },
      summary: 'Get a delivery with its request and the beginning of the response',
      responses: { 200: WebhookDeliveryDetail },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => findDelivery(notify, workspaceIdOf(request), params.id, params.delivery),
    }),
    route({
      ...{ ...deliveries, method: 'POST', url: `${deliveries.url}/:delivery/redeliver`, params: DeliveryParams },
      summary: 'Send a message again; a delivery that is waiting is sent now',
      responses: { 202: WebhookDelivery },
      errorCodes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: ({ params, request }) =>
        redeliver(notify, requestContextOf(context, request), params.id, params.delivery),
    }),
  ];
}
