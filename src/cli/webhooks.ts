import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { WebhookFormat, WebhookSubscription } from '../contract/event-names.ts';
import type { UpdateWebhook, Webhook, WebhookDelivery } from '../contract/webhooks.ts';
import type { Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { type DeleteOptions, deleteItems } from './delete-items.ts';
import { Failure } from './failure.ts';
import { parseCount, parseOnOff } from './input.ts';
import {
  type Column,
  formatInstant,
  print,
  printDetails,
  printJson,
  printList,
  printNote,
  sanitizeInline,
  takeFirst,
} from './output.ts';

/** Returns the state of a webhook. Devpilot switches off a webhook whose deliveries fail; users make one inactive. */
const stateOf = ({ active, failingSince, switchedOffAt }: Webhook): string => {
  if (!active) return switchedOffAt === null ? 'inactive' : 'switched off';
  return failingSince === null ? 'active' : 'failing';
};

const COLUMNS: readonly Column<Webhook>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'NAME', getValue: ({ name }) => name },
  { title: 'STATE', getValue: stateOf },
  { title: 'EVENTS', getValue: ({ events }) => events.join(' ') },
  { title: 'FORMAT', getValue: ({ format }) => format },
  { title: 'URL', getValue: ({ url }) => url },
  { title: 'LAST DELIVERED', getValue: ({ lastDeliveredAt }) => formatInstant(lastDeliveredAt, 'never') },
];

const DELIVERY_COLUMNS: readonly Column<WebhookDelivery>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'EVENT', getValue: ({ event }) => event },
  { title: 'STATUS', getValue: ({ status }) => status },
  { title: 'ATTEMPTS', getValue: ({ attempts }) => String(attempts) },
  { title: 'CREATED', getValue: ({ createdAt }) => formatInstant(createdAt, 'never') },
  { title: 'NEXT ATTEMPT', getValue: ({ nextAttemptAt }) => formatInstant(nextAttemptAt, 'none') },
  { title: 'ERROR', getValue: ({ error }) => error },
];

/** Lists webhooks, newest first. */
export async function listWebhooks(options: RemoteOptions & { readonly limit: string | undefined }): Promise<void> {
  const limit = parseCount('--limit', options.limit) ?? Number.POSITIVE_INFINITY;
  await printList(await takeFirst(connect(options).webhooks.all(), limit), COLUMNS, options);
}

export interface CreateWebhookOptions extends RemoteOptions {
  readonly name: string;
  readonly endpoint: string;
  readonly event: readonly string[];
  readonly format: string;
}

/** Creates a webhook; prints only the secret to standard output. */
export async function createWebhook(options: CreateWebhookOptions): Promise<void> {
  const { name, endpoint, event, format } = options;
  // Not validated here: the server rejects unknown values with a message that lists the accepted ones.
  const body = {
    name,
    url: endpoint,
    events: [...event] as WebhookSubscription[],
    format: format as WebhookFormat,
  };
  const created = await connect(options).webhooks.create(body, { idempotencyKey: randomUUID() });
  if (options.json === true) return printJson(created);
  printNote(`Created ${sanitizeInline(created.name)} (${created.id}). Secret (shown only once):`, options);
  return print(`${created.secret}\n`);
}

export interface UpdateWebhookOptions extends RemoteOptions {
  readonly name: string | undefined;
  readonly endpoint: string | undefined;
  readonly event: readonly string[] | undefined;
  readonly format: string | undefined;
  readonly active: string | undefined;
  readonly replaceSecret: true | undefined;
}

/** Updates a webhook. With `--replace-secret`, prints only the new secret to standard output. */
export async function updateWebhook(id: string, options: UpdateWebhookOptions): Promise<void> {
  const { name, endpoint, event, format, active, replaceSecret } = options;
  const change: UpdateWebhook = {
    ...(name !== undefined && { name }),
    ...(endpoint !== undefined && { url: endpoint }),
    ...(event !== undefined && { events: [...event] as WebhookSubscription[] }),
    ...(format !== undefined && { format: format as WebhookFormat }),
    ...(active !== undefined && { active: parseOnOff('--active', active) }),
  };
  const hasChanges = Object.keys(change).length > 0;
  if (!hasChanges && replaceSecret !== true) {
    throw new Failure('Nothing to change. See: devpilot webhooks update --help');
  }
  const { webhooks } = connect(options);
  if (hasChanges) {
    const updated = await webhooks.update(id, change);
    if (replaceSecret !== true) return printDetails(updated, COLUMNS, options);
  }
  const replaced = await webhooks.replaceSecret(id, { idempotencyKey: randomUUID() });
  if (options.json === true) return printJson(replaced);
  printNote(
    `Messages are also signed with the previous secret until ${replaced.previousSecretExpiresAt}. New secret (shown only once):`,
    options,
  );
  return print(`${replaced.secret}\n`);
}

/** Deletes webhooks with their deliveries. */
export async function deleteWebhooks(ids: readonly string[], options: DeleteOptions): Promise<void> {
  const { webhooks } = connect(options);
  await deleteItems(
    {
      items: await Promise.all(ids.map((id) => webhooks.get(id))),
      label: ({ name }) => name,
      question: (list) => `Delete ${list}? Events that were not delivered will never be sent.`,
      note: (list) => `Deleted ${list}.`,
      delete: (id) => webhooks.delete(id),
    },
    options,
  );
}

/** Longer than the timeout of a delivery attempt. */
const RESULT_TIMEOUT_MS = 30_000;
const POLL_INTERVAL_MS = 250;

/** Waits for the next attempt of a delivery and prints its result. Throws `Failure` unless the message was accepted. */
async function printResult(
  client: Client,
  id: string,
  initial: WebhookDelivery,
  options: RemoteOptions,
): Promise<void> {
  const deadlineMs = performance.now() + RESULT_TIMEOUT_MS;
  let delivery = initial;
  while (delivery.status === 'waiting' && delivery.attempts === initial.attempts && performance.now() < deadlineMs) {
    await pause(POLL_INTERVAL_MS);
    delivery = await client.webhooks.delivery(id, initial.id);
  }
  await printDetails(delivery, DELIVERY_COLUMNS, options);
  if (delivery.status === 'delivered') return;
  throw new Failure(
    delivery.error ?? `The message has not been sent yet. Check its status with: devpilot webhooks deliveries ${id}`,
  );
}

/** Sends a test message and prints the result. */
export async function testWebhook(id: string, options: RemoteOptions): Promise<void> {
  const client = connect(options);
  await printResult(client, id, await client.webhooks.test(id, { idempotencyKey: randomUUID() }), options);
}

/** Lists deliveries, newest first. */
export async function listDeliveries(id: string, options: RemoteOptions & { readonly limit: string }): Promise<void> {
  const deliveries = connect(options).webhooks.deliveries(id).all();
  await printList(await takeFirst(deliveries, parseCount('--limit', options.limit)), DELIVERY_COLUMNS, options);
}

/** Sends a message again and prints the result. */
export async function redeliver(id: string, deliveryId: string, options: RemoteOptions): Promise<void> {
  const client = connect(options);
  const delivery = await client.webhooks.redeliver(id, deliveryId, { idempotencyKey: randomUUID() });
  await printResult(client, id, delivery, options);
}
