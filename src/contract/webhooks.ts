import { z } from 'zod';
import {
  WEBHOOK_DELIVERY_STATUSES,
  WEBHOOK_EVENTS,
  WEBHOOK_FORMATS,
  WEBHOOK_SUBSCRIPTIONS,
  WEBHOOK_TEST_EVENT,
} from './event-names.ts';
import { id, name, oneOf, singleLineText, timestamps, uniqueNames } from './fields.ts';
import { instant, nullableInstant } from './instant.ts';
import { WEBHOOK_LIMITS } from './limits.ts';

export const Webhook = z
  .object({
    id,
    name: z.string(),
    url: z.string(),
    events: z.array(z.enum(WEBHOOK_SUBSCRIPTIONS)),
    format: z.enum(WEBHOOK_FORMATS),
    active: z.boolean(),
    failingSince: nullableInstant.describe(
      'Time of the first failed attempt since the last successful one; null if none has failed since',
    ),
    lastDeliveredAt: nullableInstant,
    switchedOffAt: nullableInstant.describe(
      'When the webhook was switched off: every attempt had failed for 3 days, or its receiver responded with 410 (Gone)',
    ),
    previousSecretExpiresAt: nullableInstant.describe(
      'Time until which messages are also signed with the previous secret',
    ),
    ...timestamps,
  })
  .meta({ id: 'Webhook' });
export type Webhook = z.infer<typeof Webhook>;

export const CreatedWebhook = Webhook.extend({
  secret: z.string().describe('The secret that signs messages. No other response contains it'),
}).meta({ id: 'CreatedWebhook' });
export type CreatedWebhook = z.infer<typeof CreatedWebhook>;

/** The URL of a webhook. Whether its address is allowed (setting `DEVPILOT_OUTBOUND`) is not checked here. */
const url = singleLineText(1, WEBHOOK_LIMITS.url, 'https://hooks.example/devpilot').describe(
  'The http:// or https:// URL to which messages are sent',
);
const events = uniqueNames(WEBHOOK_SUBSCRIPTIONS, 'event').meta({ examples: [['deployment.*']] });

const format = oneOf(WEBHOOK_FORMATS).describe(
  'Format of message bodies: `standard` (Standard Webhooks), or the format of a chat service',
);

export const CreateWebhook = z
  .strictObject({
    name,
    url,
    events,
    format: format.optional().meta({ default: 'standard' }),
    active: z.boolean().optional().describe('Defaults to true'),
  })
  .meta({ id: 'CreateWebhook' });
export type CreateWebhook = z.infer<typeof CreateWebhook>;

export const UpdateWebhook = z
  .strictObject({
    name: name.optional(),
    url: url.optional(),
    events: events.optional(),
    format: format.optional(),
    active: z.boolean().optional().describe('`true` resumes delivery with the first event that was not delivered'),
  })
  .meta({ id: 'UpdateWebhook' });
export type UpdateWebhook = z.infer<typeof UpdateWebhook>;

export const WebhookSecret = z
  .object({ secret: z.string(), previousSecretExpiresAt: instant })
  .meta({ id: 'WebhookSecret' });
export type WebhookSecret = z.infer<typeof WebhookSecret>;

export const WebhookDelivery = z
  .object({
    id,
    messageId: id.describe('Value of the header `webhook-id`, which is the same for every attempt and redelivery'),
    event: oneOf([...WEBHOOK_EVENTS, WEBHOOK_TEST_EVENT]),
    status: z.enum(WEBHOOK_DELIVERY_STATUSES),
    attempts: z.int(),
    createdAt: instant,
    lastAttemptAt: nullableInstant,
    nextAttemptAt: nullableInstant,
    durationMs: z.int().nullable().describe('Duration of the last attempt'),
    responseStatus: z.int().nullable(),
    error: z.string().nullable().describe('Why the last attempt failed'),
  })
  .meta({ id: 'WebhookDelivery' });
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;

export const WebhookDeliveryDetail = WebhookDelivery.extend({
  request: z.object({
    url: z.string(),
    headers: z.object({ 'content-type': z.string(), 'webhook-id': z.string(), 'webhook-signature': z.string() }),
    body: z.string(),
  }),
  responseBody: z.string().nullable().describe('The beginning of the last response. Secrets are redacted'),
}).meta({ id: 'WebhookDeliveryDetail' });
export type WebhookDeliveryDetail = z.infer<typeof WebhookDeliveryDetail>;
