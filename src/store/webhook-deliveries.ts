import { newestFirst, type PageRequest } from './paging.ts';
import type { AuditEventTable } from './schema/audit.ts';
import type { WebhookDeliveryTable, WebhookTable } from './schema/webhooks.ts';
import type { Queryable, Trx } from './store.ts';

type WebhookKey = Pick<WebhookTable, 'workspace_id' | 'id'>;

function selectDeliveries(db: Queryable, { workspace_id, id }: WebhookKey) {
  return db
    .selectFrom('webhook_delivery')
    .selectAll()
    .where('workspace_id', '=', workspace_id)
    .where('webhook_id', '=', id);
}

function updateWaitingDeliveries(trx: Trx, { workspace_id, id }: WebhookKey) {
  return trx
    .updateTable('webhook_delivery')
    .where('workspace_id', '=', workspace_id)
    .where('webhook_id', '=', id)
    .where('status', '=', 'waiting');
}

export async function insertDeliveries(trx: Trx, rows: readonly WebhookDeliveryTable[]): Promise<void> {
  if (rows.length > 0) await trx.insertInto('webhook_delivery').values(rows).execute();
}

export async function findDelivery(
  db: Queryable,
  webhook: WebhookKey,
  id: string,
): Promise<WebhookDeliveryTable | undefined> {
  return selectDeliveries(db, webhook).where('id', '=', id).executeTakeFirst();
}

/** Returns a page of deliveries, newest first, up to one more than the limit. */
export async function listDeliveries(
  db: Queryable,
  webhook: WebhookKey,
  page: PageRequest,
): Promise<WebhookDeliveryTable[]> {
  const query = selectDeliveries(db, webhook);
  return newestFirst(query, page).execute();
}

/**
 * Returns the waiting deliveries that are due: first those that a person requested, then the others in the order of
 * their events.
 */
export async function listDueDeliveries(
  trx: Trx,
  webhook: WebhookKey,
  now: number,
  limit: number,
): Promise<WebhookDeliveryTable[]> {
  return selectDeliveries(trx, webhook)
    .where('status', '=', 'waiting')
    .where('next_attempt_at', '<=', now)
    .orderBy('is_manual', 'desc')
    .orderBy('sequence')
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** Counts the waiting deliveries that were not requested by a person. */
export async function countWaitingEventDeliveries(trx: Trx, { workspace_id, id }: WebhookKey): Promise<number> {
  const { count } = await trx
    .selectFrom('webhook_delivery')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('workspace_id', '=', workspace_id)
    .where('webhook_id', '=', id)
    .where('status', '=', 'waiting')
    .where('is_manual', '=', 0)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Returns the events of a workspace's activity log with these sequence numbers. */
export async function findAuditEvents(
  db: Queryable,
  workspaceId: string,
  sequences: readonly number[],
): Promise<AuditEventTable[]> {
  if (sequences.length === 0) return [];
  return db
    .selectFrom('audit_event')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('sequence', 'in', sequences)
    .execute();
}

/** Updates a delivery if it is still waiting. */
export async function updateWaitingDelivery(
  trx: Trx,
  webhook: WebhookKey,
  id: string,
  set: Partial<WebhookDeliveryTable>,
): Promise<void> {
  await updateWaitingDeliveries(trx, webhook).set(set).where('id', '=', id).execute();
}

/** Postpones the waiting deliveries that were not requested by a person at least until `until` (epoch milliseconds). */
export async function postponeEventDeliveries(trx: Trx, webhook: WebhookKey, until: number): Promise<void> {
  await updateWaitingDeliveries(trx, webhook)
    .set({ next_attempt_at: until })
    .where('is_manual', '=', 0)
    .where('next_attempt_at', '<', until)
    .execute();
}

/** Makes a waiting delivery due or, if the webhook's deliveries are sent in order, all of them. */
export async function makeDue(
  trx: Trx,
  webhook: WebhookKey & Pick<WebhookTable, 'is_ordered'>,
  id: string,
  now: number,
): Promise<void> {
  const query = updateWaitingDeliveries(trx, webhook).set({ next_attempt_at: now });
  await (webhook.is_ordered === 1 ? query : query.where('id', '=', id)).execute();
}

/** Makes all waiting deliveries due and resets their attempts. */
export async function resumeDeliveries(trx: Trx, webhook: WebhookKey, now: number): Promise<void> {
  await updateWaitingDeliveries(trx, webhook)
    .set({ next_attempt_at: now, attempts: 0, first_attempt_at: null })
    .execute();
}

/**
 * Deletes the finished deliveries of a webhook, except the newest `maxFinished` and those created in the same
 * millisecond as the oldest of these.
 */
export async function pruneDeliveries(trx: Trx, webhook: WebhookKey, maxFinished: number): Promise<void> {
  const oldestToKeep = await trx
    .selectFrom('webhook_delivery')
    .select('created_at')
    .where('workspace_id', '=', webhook.workspace_id)
    .where('webhook_id', '=', webhook.id)
    .where('status', '!=', 'waiting')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .offset(maxFinished - 1)
    .executeTakeFirst();
  if (oldestToKeep === undefined) return;
  await trx
    .deleteFrom('webhook_delivery')
    .where('workspace_id', '=', webhook.workspace_id)
    .where('webhook_id', '=', webhook.id)
    .where('status', '!=', 'waiting')
    .where('created_at', '<', oldestToKeep.created_at)
    .execute();
}

/** Deletes the finished deliveries of all workspaces that were created before `before` (epoch milliseconds). */
export async function deleteOldDeliveries(trx: Trx, before: number): Promise<void> {
  await trx.deleteFrom('webhook_delivery').where('status', '!=', 'waiting').where('created_at', '<', before).execute();
}
