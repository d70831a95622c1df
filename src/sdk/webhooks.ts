import type {
  CreatedWebhook,
  CreateWebhook,
  UpdateWebhook,
  Webhook,
  WebhookDelivery,
  WebhookDeliveryDetail,
  WebhookSecret,
} from '../contract/webhooks.ts';
import { listOf, type Paging, pathTo } from './list-pages.ts';
import type { CallOptions, Tagged, Transport } from './transport.ts';

/** Webhooks and their deliveries. */
export function webhookClientsOf(transport: Transport) {
  const { send, sendTagged } = transport;
  const path = '/v1/webhooks';
  const deliveryPath = (id: string) => `${pathTo(path, id)}/deliveries`;
  return {
    webhooks: {
      ...listOf<Webhook, Paging>(transport, path),
      get: (id: string, call?: CallOptions): Promise<Webhook> => send('GET', pathTo(path, id), call),
      /** Returns the webhook with its tag, for an update that must not overwrite a concurrent update. */
      read: (id: string, call?: CallOptions): Promise<Tagged<Webhook>> => sendTagged('GET', pathTo(path, id), call),
      create: (body: CreateWebhook, call?: CallOptions): Promise<CreatedWebhook> =>
        send('POST', path, { ...call, body }),
      update: (id: string, body: UpdateWebhook, call?: CallOptions): Promise<Webhook> =>
        send('PATCH', pathTo(path, id), { ...call, body }),
      delete: (id: string, call?: CallOptions): Promise<void> => send('DELETE', pathTo(path, id), call),
      /** Replaces the secret. For 24 hours, messages are also signed with the previous secret. */
      replaceSecret: (id: string, call?: CallOptions): Promise<WebhookSecret> =>
        send('POST', `${pathTo(path, id)}/secret`, call),
      test: (id: string, call?: CallOptions): Promise<WebhookDelivery> =>
        send('POST', `${pathTo(path, id)}/test`, call),
      deliveries: (id: string) => listOf<WebhookDelivery, Paging>(transport, deliveryPath(id)),
      delivery: (id: string, delivery: string, call?: CallOptions): Promise<WebhookDeliveryDetail> =>
        send('GET', pathTo(deliveryPath(id), delivery), call),
      redeliver: (id: string, delivery: string, call?: CallOptions): Promise<WebhookDelivery> =>
        send('POST', `${pathTo(deliveryPath(id), delivery)}/redeliver`, call),
    },
  };
}
