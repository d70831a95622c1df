import { z } from 'zod';
import { WEBHOOK_LIMITS } from '../contract/limits.ts';
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
import { getDelivery, listDeliveries, redeliver, testWebhook } from '../notify/deliveries.ts';
import {
  createWebhook,
  deleteWebhook,
  etagOfWebhook,
  getWebhook,
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
const itemRoute = { tag, access, url: `${url}/:id`, params: IdParams } as const;
const deliveryRoute = { tag, access, url: `${url}/:id/deliveries` } as const;
const DeliveryParams = IdParams.extend({ delivery: z.string().max(64) });

export function webhookRoutes(context: AppContext): Route[] {
  return [...configurationRoutes(context), ...deliveryRoutes(context)];
}

function configurationRoutes(context: AppContext): Route[] {
  const { notify } = context;
  return [
    route({
      method: 'GET',
      url,
      access,
      tag,
      summary: 'List webhooks',
      description: 'Newest first.',
      query: PageQuery,
      responses: { 200: pageOf(Webhook) },
      handler: ({ query, request }) => listWebhooks(notify, workspaceIdOf(request), query),
    }),
    route({
      method: 'POST',
      url,
      access,
      tag,
      summary: 'Create a webhook',
      description: 'The webhook receives the events that occur after its creation. Its secret is shown only once.',
      body: CreateWebhook,
      responses: { 201: CreatedWebhook },
      errorCodes: ['idempotent_replay'],
      handler: async ({ body, request, reply }) => {
        const { secret, ...webhook } = await createWebhook(notify, requestContextOf(context, request), body);
        reply.header('location', `${url}/${webhook.id}`);
        reply.header('etag', etagOfWebhook(webhook));
        return { ...webhook, secret };
      },
    }),
    route({
      ...itemRoute,
      method: 'GET',
      summary: 'Get a webhook',
      responses: { 200: Webhook },
      errorCodes: ['not_found'],
      handler: async ({ params, request, reply }) => {
        const webhook = await getWebhook(notify, workspaceIdOf(request), params.id);
        reply.header('etag', etagOfWebhook(webhook));
        return webhook;
      },
    }),
    route({
      ...itemRoute,
      method: 'PATCH',
      checksIfMatch: true,
      summary: 'Edit a webhook',
      description: '`active: true` resumes delivery with the first event that was not delivered.',
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
      ...itemRoute,
      method: 'DELETE',
      checksIfMatch: true,
      summary: 'Delete a webhook and its deliveries',
      responses: { 204: NoContent },
      errorCodes: ['not_found', 'conflict'],
      handler: ({ params, request }) => deleteWebhook(notify, requestContextOf(context, request), params.id),
    }),
    route({
      ...itemRoute,
      method: 'POST',
      url: `${url}/:id/secret`,
      summary: 'Replace the secret of a webhook',
      description: 'For 24 hours, messages are also signed with the previous secret.',
      responses: { 201: WebhookSecret },
      errorCodes: ['not_found', 'idempotent_replay'],
      handler: ({ params, request }) => replaceWebhookSecret(notify, requestContextOf(context, request), params.id),
    }),
  ];
}

function deliveryRoutes(context: AppContext): Route[] {
  const { notify } = context;
  return [
    route({
      ...itemRoute,
      method: 'POST',
      url: `${url}/:id/test`,
      summary: 'Send a test message to a webhook',
      responses: { 202: WebhookDelivery },
      errorCodes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: ({ params, request }) => testWebhook(notify, requestContextOf(context, request), params.id),
    }),
    route({
      ...deliveryRoute,
      method: 'GET',
      params: IdParams,
      summary: 'List the deliveries of a webhook',
      description: `Newest first. The last ${WEBHOOK_LIMITS.deliveries.toLocaleString('en')} finished deliveries are kept for 30 days.`,
      query: PageQuery,
      responses: { 200: pageOf(WebhookDelivery) },
      errorCodes: ['not_found'],
      handler: ({ params, query, request }) => listDeliveries(notify, workspaceIdOf(request), params.id, query),
    }),
    route({
      ...deliveryRoute,
      method: 'GET',
      url: `${deliveryRoute.url}/:delivery`,
      params: DeliveryParams,
      summary: 'Get a delivery',
      description: 'Includes the request and the beginning of the response.',
      responses: { 200: WebhookDeliveryDetail },
      errorCodes: ['not_found'],
      handler: ({ params, request }) => getDelivery(notify, workspaceIdOf(request), params.id, params.delivery),
    }),
    route({
      ...deliveryRoute,
      method: 'POST',
      url: `${deliveryRoute.url}/:delivery/redeliver`,
      params: DeliveryParams,
      summary: 'Redeliver a message',
      description:
        'Creates another delivery of the message. If the delivery is still waiting, sends its message immediately instead.',
      responses: { 202: WebhookDelivery },
      errorCodes: ['not_found', 'conflict', 'idempotent_replay'],
      handler: ({ params, request }) =>
        redeliver(notify, requestContextOf(context, request), params.id, params.delivery),
    }),
  ];
}
