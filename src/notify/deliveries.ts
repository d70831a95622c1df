import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import { WEBHOOK_TEST_EVENT, type WebhookFormat } from '../contract/event-names.ts';
import { createId } from '../contract/id.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import type { Page } from '../contract/paging.ts';
import { Problem } from '../contract/problem.ts';
import type { WebhookDelivery, WebhookDeliveryDetail } from '../contract/webhooks.ts';
import { claimOrRefuseReplay } from '../store/idempotency.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import type { WebhookDeliveryTable, WebhookTable } from '../store/schema/webhooks.ts';
import type { Queryable } from '../store/store.ts';
import {
  findAuditEvents,
  findDelivery,
  insertDeliveries,
  listDeliveries as listRows,
  makeDue,
} from '../store/webhook-deliveries.ts';
import { findWorkspaceName } from '../store/workspaces.ts';
import type { NotifyContext } from './context.ts';
import { bodyOf, createMessageId } from './message.ts';
import { requireWebhook, requireWebhookForUpdate } from './webhooks.ts';

/** The columns of a delivery that identify its message. */
type Message = Pick<WebhookDeliveryTable, 'message_id' | 'event' | 'event_at' | 'sequence'>;

/**
 * Returns the row of a delivery that is due now. A manual delivery, which a person requested, is not retried.
 */
export function newDelivery(
  webhook: Pick<WebhookTable, 'workspace_id' | 'id'>,
  message: Message,
  { isManual, now }: { readonly isManual: boolean; readonly now: number },
): WebhookDeliveryTable {
  return {
    ...message,
    id: createId('webhook_delivery', now),
    workspace_id: webhook.workspace_id,
    webhook_id: webhook.id,
    is_manual: isManual ? 1 : 0,
    status: 'waiting',
    attempts: 0,
    created_at: now,
    first_attempt_at: null,
    last_attempt_at: null,
    next_attempt_at: now,
    duration_ms: null,
    response_status: null,
    response_body: null,
    error: null,
  };
}

function serializeDelivery(row: WebhookDeliveryTable): WebhookDelivery {
  return {
    id: row.id,
    messageId: row.message_id,
    event: row.event as WebhookDelivery['event'],
    status: row.status as WebhookDelivery['status'],
    attempts: row.attempts,
    createdAt: toIsoString(row.created_at),
    lastAttemptAt: toIsoStringOrNull(row.last_attempt_at),
    nextAttemptAt: toIsoStringOrNull(row.next_attempt_at),
    durationMs: row.duration_ms,
    responseStatus: row.response_status,
    error: row.error,
  };
}

async function requireDelivery(db: Queryable, webhook: WebhookTable, id: string): Promise<WebhookDeliveryTable> {
  const row = await findDelivery(db, webhook, id);
  if (row === undefined)
    throw new Problem('not_found', 'The delivery was not found. Only the newest deliveries are kept.');
  return row;
}

/** Lists the deliveries of a webhook, newest first. Throws `not_found`. */
export async function listDeliveries(
  { store }: NotifyContext,
  workspaceId: string,
  webhookId: string,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<WebhookDelivery>> {
  const webhook = await requireWebhook(store.read, workspaceId, webhookId);
  const page = readPageRequest(query, '-createdAt', 'number');
  const rows = await listRows(store.read, webhook, page);
  return toPage(rows, page.limit, '-createdAt', (row) => ({ value: row.created_at, id: row.id }), serializeDelivery);
}

/**
 * Returns a delivery with its last response and its request, as the webhook's current settings would send it. Throws
 * `not_found`.
 */
export async function getDelivery(
  { store, publicUrl }: NotifyContext,
  workspaceId: string,
  webhookId: string,
  id: string,
): Promise<WebhookDeliveryDetail> {
  const webhook = await requireWebhook(store.read, workspaceId, webhookId);
  const row = await requireDelivery(store.read, webhook, id);
  const [event] = await findAuditEvents(store.read, workspaceId, row.sequence === null ? [] : [row.sequence]);
  const source = { publicUrl: publicUrl(), workspaceName: await findWorkspaceName(store.read, workspaceId) };
  return {
    ...serializeDelivery(row),
    request: {
      url: webhook.url,
      // Without `user-agent` and `webhook-timestamp`. The signature is masked, because it differs in every attempt.
      headers: { 'content-type': 'application/json', 'webhook-id': row.message_id, 'webhook-signature': 'v1,…' },
      body: bodyOf(row, event, webhook.format as WebhookFormat, source),
    },
    responseBody: row.response_body,
  };
}

function requireActive(webhook: WebhookTable): void {
  if (webhook.active === 0) throw new Problem('conflict', 'The webhook is not active. Activate it first.');
}

/**
 * Sends a delivery's message again, as a new delivery that is sent out of order and not retried. If the delivery is
 * still waiting for its next attempt, instead makes it due now, together with all other waiting deliveries if the
 * webhook is ordered. Throws `not_found`, `conflict` if the webhook is not active, and `idempotent_replay` for a
 * repeated request.
 */
export async function redeliver(
  context: NotifyContext,
  request: RequestContext,
  webhookId: string,
  id: string,
): Promise<WebhookDelivery> {
  const now = context.clock();
  const delivery = await context.store.transaction(async (trx) => {
    const webhook = await requireWebhookForUpdate(trx, request.workspaceId, webhookId);
    const existing = await requireDelivery(trx, webhook, id);
    requireActive(webhook);
    const isWaiting = existing.status === 'waiting';
    const { message_id, event, event_at, sequence } = existing;
    const row = isWaiting
      ? { ...existing, next_attempt_at: now }
      : newDelivery(webhook, { message_id, event, event_at, sequence }, { isManual: true, now });
    await claimOrRefuseReplay(trx, request.idempotencyClaim, row.id, now);
    if (isWaiting) await makeDue(trx, webhook, id, now);
    else await insertDeliveries(trx, [row]);
    const target = { kind: 'webhook', id: webhook.id, name: webhook.name } as const;
    await recordAuditEvent(trx, request, 'webhook.redelivered', target, now, { delivery: id, event: row.event });
    return serializeDelivery(row);
  });
  context.wake();
  return delivery;
}

/**
 * Sends a test message without retries. Throws `not_found`, `conflict` if the webhook is not active, and
 * `idempotent_replay` for a repeated request.
 */
export async function testWebhook(
  context: NotifyContext,
  request: RequestContext,
  webhookId: string,
): Promise<WebhookDelivery> {
  const now = context.clock();
  const delivery = await context.store.transaction(async (trx) => {
    const webhook = await requireWebhookForUpdate(trx, request.workspaceId, webhookId);
    requireActive(webhook);
    const message = { message_id: createMessageId(now), event: WEBHOOK_TEST_EVENT, event_at: now, sequence: null };
    const row = newDelivery(webhook, message, { isManual: true, now });
    await claimOrRefuseReplay(trx, request.idempotencyClaim, row.id, now);
    await insertDeliveries(trx, [row]);
    const target = { kind: 'webhook', id: webhook.id, name: webhook.name } as const;
    await recordAuditEvent(trx, request, 'webhook.tested', target, now, {});
    return serializeDelivery(row);
  });
  context.wake();
  return delivery;
}
