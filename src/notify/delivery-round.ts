import { raiseNotice } from '../audit/notices.ts';
import type { AuditAction, WebhookFormat, WebhookSubscription } from '../contract/event-names.ts';
import { DURATIONS, WEBHOOK_LIMITS } from '../contract/limits.ts';
import { webhookEventsOf } from '../contract/webhook-events.ts';
import { readAuditChain } from '../store/audit.ts';
import type { WebhookDeliveryTable, WebhookTable } from '../store/schema/webhooks.ts';
import type { Trx } from '../store/store.ts';
import {
  countWaitingEventDeliveries,
  findAuditEvents,
  insertDeliveries,
  listDueDeliveries,
  postponeEventDeliveries,
  pruneDeliveries,
  updateWaitingDelivery,
} from '../store/webhook-deliveries.ts';
import { lockWebhook, updateWebhook } from '../store/webhooks.ts';
import { findWorkspaceName } from '../store/workspaces.ts';
import type { AttemptResult } from './attempt.ts';
import { newDelivery } from './deliveries.ts';
import { bodyOf, createMessageId } from './message.ts';
import { nextAttemptAt } from './retries.ts';

/**
 * New deliveries are created only while fewer than this many are waiting (for an ordered webhook: while none is
 * waiting), so that they do not accumulate for a receiver that is down.
 */
export const MAX_WAITING = 10;
/** Maximum number of events read and of deliveries sent per batch. */
const BATCH_SIZE = 50;

/** The deliveries of a webhook that are sent next, with their request bodies. */
export interface Batch {
  readonly webhook: WebhookTable;
  /** Whether the activity log may contain further events whose deliveries can be created now. */
  readonly mayHaveMoreEvents: boolean;
  readonly due: readonly { readonly delivery: WebhookDeliveryTable; readonly body: string }[];
}

/** A finished attempt to send a delivery. */
export interface Attempt {
  readonly delivery: WebhookDeliveryTable;
  readonly result: AttemptResult;
  /** When the attempt ended, epoch milliseconds. */
  readonly endedAt: number;
  readonly durationMs: number;
}

/** Locks a webhook; returns undefined if this node no longer owns it or it is no longer active. */
async function lockOwnedWebhook(trx: Trx, claimed: WebhookTable, owner: string): Promise<WebhookTable | undefined> {
  const row = await lockWebhook(trx, claimed.workspace_id, claimed.id);
  return row?.owner === owner && row.active === 1 ? row : undefined;
}

/**
 * Creates deliveries for the next events of the activity log to which the webhook subscribes, unless too many
 * deliveries are waiting (`MAX_WAITING`). Returns whether there may be further events whose deliveries can be created
 * now.
 */
async function createDeliveries(trx: Trx, webhook: WebhookTable, now: number): Promise<boolean> {
  const waiting = await countWaitingEventDeliveries(trx, webhook);
  if (waiting >= (webhook.is_ordered === 1 ? 1 : MAX_WAITING)) return false;
  const subscriptions = new Set(JSON.parse(webhook.events) as WebhookSubscription[]);
  const events = await readAuditChain(trx, webhook.workspace_id, webhook.sequence, BATCH_SIZE);
  const last = events.at(-1);
  if (last === undefined) return false;
  const rows = events.flatMap((event) =>
    webhookEventsOf(event.action as AuditAction, subscriptions).map((name) => {
      const message = {
        message_id: createMessageId(event.at),
        event: name,
        event_at: event.at,
        sequence: event.sequence,
      };
      return newDelivery(webhook, message, { isManual: false, now });
    }),
  );
  await insertDeliveries(trx, rows);
  await updateWebhook(trx, webhook, { sequence: last.sequence });
  return events.length === BATCH_SIZE;
}

/**
 * Creates the deliveries of new events and returns the deliveries to send now. Returns null if this node no longer owns
 * the webhook or the webhook is not active.
 */
export async function prepareBatch(
  trx: Trx,
  claimed: WebhookTable,
  owner: string,
  now: number,
  publicUrl: string,
): Promise<Batch | null> {
  const webhook = await lockOwnedWebhook(trx, claimed, owner);
  if (webhook === undefined) return null;
  const mayHaveMoreEvents = await createDeliveries(trx, webhook, now);
  const rows = await listDueDeliveries(trx, webhook, now, BATCH_SIZE);
  const sequences = rows.flatMap(({ sequence }) => (sequence === null ? [] : [sequence]));
  const events = await findAuditEvents(trx, webhook.workspace_id, [...new Set(sequences)]);
  const eventsBySequence = new Map(events.map((event) => [event.sequence, event]));
  const source = { publicUrl, workspaceName: await findWorkspaceName(trx, webhook.workspace_id) };
  const due = rows.map((delivery) => {
    const event = eventsBySequence.get(delivery.sequence ?? -1);
    return { delivery, body: bodyOf(delivery, event, webhook.format as WebhookFormat, source) };
  });
  return { webhook, mayHaveMoreEvents, due };
}

/** Returns the columns of a delivery that an attempt changes. */
function columnsAfter({ delivery, result, endedAt, durationMs }: Attempt): Partial<WebhookDeliveryTable> {
  const attempts = delivery.attempts + 1;
  const firstAttemptAt = delivery.first_attempt_at ?? endedAt;
  const canRetry = !result.delivered && delivery.is_manual === 0;
  const nextAt = canRetry ? nextAttemptAt(endedAt, firstAttemptAt, attempts, result.retryAfter) : null;
  const undeliveredStatus = nextAt === null ? 'failed' : 'waiting';
  return {
    status: result.delivered ? 'delivered' : undeliveredStatus,
    attempts,
    first_attempt_at: firstAttemptAt,
    last_attempt_at: endedAt,
    next_attempt_at: nextAt,
    duration_ms: durationMs,
    response_status: result.responseStatus,
    response_body: result.responseBody,
    error: result.error,
  };
}

/**
 * Switches a webhook off and creates a notice. The waiting deliveries are sent when the webhook is activated again.
 */
async function switchOff(trx: Trx, webhook: WebhookTable, now: number, reason: 'failing' | 'gone'): Promise<void> {
  await updateWebhook(trx, webhook, { active: 0, switched_off_at: now, updated_at: now });
  const { workspace_id: workspaceId, id, name, failing_since: failingSince } = webhook;
  const detail = { reason, ...(failingSince !== null && { failingSince: new Date(failingSince).toISOString() }) };
  const subject = { kind: 'webhook', id, name } as const;
  await raiseNotice(trx, {
    workspaceId,
    kind: 'webhook.switched_off',
    subject,
    occurrence: String(now),
    detail,
    at: now,
  });
}

/**
 * Records attempts in the order in which they were made. If `isInterrupted`, postpones the webhook's other waiting
 * deliveries, except manual ones, until the delivery of the last attempt is retried. Switches the webhook off if
 * deliveries have failed for too long or the receiver wants no more messages. Returns whether sending can continue.
 */
export async function recordAttempts(
  trx: Trx,
  claimed: WebhookTable,
  owner: string,
  attempts: readonly Attempt[],
  isInterrupted: boolean,
): Promise<boolean> {
  const webhook = await lockOwnedWebhook(trx, claimed, owner);
  if (webhook === undefined) return false;
  let { failing_since: failingSince, last_delivered_at: lastDeliveredAt } = webhook;
  const last = attempts.at(-1);
  if (last === undefined) return true;
  const isGone = attempts.some(({ result }) => result.gone);
  for (const attempt of attempts) {
    const { delivery, result, endedAt } = attempt;
    if (result.delivered) lastDeliveredAt = endedAt;
    if (result.delivered) failingSince = null;
    else if (delivery.is_manual === 0) failingSince ??= endedAt;
  }
  const mustSwitchOff = isGone || (failingSince !== null && last.endedAt - failingSince >= DURATIONS.webhookRetries);
  let postponedUntil = 0;
  for (const attempt of attempts) {
    const columns = columnsAfter(attempt);
    // A delivery whose last attempt has failed stays waiting, so that it is sent when the webhook is activated again.
    const staysWaiting = mustSwitchOff && columns.status === 'failed' && attempt.delivery.is_manual === 0;
    const waitingColumns = staysWaiting ? { status: 'waiting', next_attempt_at: attempt.endedAt } : {};
    await updateWaitingDelivery(trx, webhook, attempt.delivery.id, { ...columns, ...waitingColumns });
    postponedUntil = columns.next_attempt_at ?? postponedUntil;
  }
  if (isInterrupted) await postponeEventDeliveries(trx, webhook, postponedUntil);
  await updateWebhook(trx, webhook, { failing_since: failingSince, last_delivered_at: lastDeliveredAt });
  await pruneDeliveries(trx, webhook, WEBHOOK_LIMITS.deliveries);
  if (mustSwitchOff)
    await switchOff(trx, { ...webhook, failing_since: failingSince }, last.endedAt, isGone ? 'gone' : 'failing');
  return !mustSwitchOff;
}

/** Releases a webhook that this node still owns, so that any node can claim it. */
export async function releaseWebhook(trx: Trx, claimed: WebhookTable, owner: string): Promise<void> {
  const row = await lockWebhook(trx, claimed.workspace_id, claimed.id);
  if (row?.owner === owner) await updateWebhook(trx, row, { owner: null, lease_until: null });
}
