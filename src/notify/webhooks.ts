import { checkIfMatch, etagOf } from '../audit/if-match.ts';
import { type RequestContext, recordAuditEvent } from '../audit/request-context.ts';
import type { WebhookFormat, WebhookSubscription } from '../contract/event-names.ts';
import { createId } from '../contract/id.ts';
import { toIsoString, toIsoStringOrNull } from '../contract/instant.ts';
import { DURATIONS, WEBHOOK_LIMITS } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import { invalidField, Problem } from '../contract/problem.ts';
import type { CreatedWebhook, CreateWebhook, UpdateWebhook, Webhook, WebhookSecret } from '../contract/webhooks.ts';
import { claimOrRefuseReplay } from '../store/idempotency.ts';
import { resolveNotices } from '../store/notices.ts';
import { readPageRequest, toPage } from '../store/paging.ts';
import type { WebhookTable } from '../store/schema/webhooks.ts';
import type { Queryable, Trx } from '../store/store.ts';
import { resumeDeliveries } from '../store/webhook-deliveries.ts';
import {
  countWebhooks,
  deleteWebhook as deleteRow,
  findWebhook,
  insertWebhook,
  listWebhooks as listRows,
  lockWebhook,
  updateWebhook as updateRow,
} from '../store/webhooks.ts';
import type { NotifyContext } from './context.ts';
import { createWebhookSecret } from './message.ts';

/** Returns the associated data that binds the sealed secrets of a webhook to it. */
export const webhookSecretAssociatedData = (row: Pick<WebhookTable, 'workspace_id' | 'id'>): string =>
  `webhook ${row.workspace_id} ${row.id}`;

const subscriptionsOf = (row: Pick<WebhookTable, 'events'>) => JSON.parse(row.events) as WebhookSubscription[];
/** Returns the value of the column `is_ordered`: 1 if the webhook receives the activity log, which is sent in order. */
const orderedColumnOf = (events: readonly WebhookSubscription[]) => (events.includes('audit.event') ? 1 : 0);

function serializeWebhook(row: Omit<WebhookTable, 'sequence'>, now: number): Webhook {
  const previousSecretUntil = row.previous_secret_until ?? 0;
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    events: subscriptionsOf(row),
    format: row.format as WebhookFormat,
    active: row.active === 1,
    failingSince: toIsoStringOrNull(row.failing_since),
    lastDeliveredAt: toIsoStringOrNull(row.last_delivered_at),
    switchedOffAt: toIsoStringOrNull(row.switched_off_at),
    previousSecretExpiresAt: previousSecretUntil > now ? toIsoString(previousSecretUntil) : null,
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

/** Returns the ID and the editable fields. Only these determine the entity tag, so deliveries do not change it. */
function editableFieldsOf({ id, name, url, events, format, active }: Webhook) {
  return { id, name, url, events, format, active };
}
export const etagOfWebhook = (webhook: Webhook): string => etagOf(editableFieldsOf(webhook));

/**
 * Returns the fields for the activity log. The path of the URL is omitted, because in many services, such as Slack, it
 * is a secret.
 */
function auditFieldsOf({ name, url, events, format, active }: Webhook) {
  return { name, url: `${new URL(url).origin}/…`, events, format, active };
}

/** Returns the row of a webhook. Throws `not_found`. */
export async function requireWebhook(db: Queryable, workspaceId: string, id: string): Promise<WebhookTable> {
  return requireRow(await findWebhook(db, workspaceId, id));
}

/** Locks a webhook until the transaction ends. Throws `not_found`. */
export async function requireWebhookForUpdate(trx: Trx, workspaceId: string, id: string): Promise<WebhookTable> {
  return requireRow(await lockWebhook(trx, workspaceId, id));
}

function requireRow(row: WebhookTable | undefined): WebhookTable {
  if (row === undefined) throw new Problem('not_found', 'The webhook was not found in this workspace.');
  return row;
}

const auditTargetOf = ({ id, name }: { id: string; name: string }) => ({ kind: 'webhook', id, name }) as const;

function requireAllowedUrl({ outbound }: NotifyContext, url: string): void {
  const refusal = outbound.refusalOf(url);
  if (refusal !== null) throw invalidField('url', refusal);
}

/**
 * Creates a webhook. It receives only events that occur after its creation. No other response contains the secret.
 * Throws `validation_failed` for a URL that `DEVPILOT_OUTBOUND` excludes or if the workspace has the maximum number of
 * webhooks, and `idempotent_replay` for a repeated request.
 */
export function createWebhook(
  context: NotifyContext,
  request: RequestContext,
  input: CreateWebhook,
): Promise<CreatedWebhook> {
  requireAllowedUrl(context, input.url);
  const { workspaceId } = request;
  const now = context.clock();
  const id = createId('webhook', now);
  const secret = createWebhookSecret();
  const row = {
    id,
    workspace_id: workspaceId,
    name: input.name,
    url: input.url,
    events: JSON.stringify(input.events),
    format: input.format ?? 'standard',
    active: input.active === false ? 0 : 1,
    is_ordered: orderedColumnOf(input.events),
    secret_sealed: context.seal.seal(secret, webhookSecretAssociatedData({ workspace_id: workspaceId, id })),
    previous_secret_sealed: null,
    previous_secret_until: null,
    created_at: now,
    updated_at: now,
    failing_since: null,
    last_delivered_at: null,
    switched_off_at: null,
    owner: null,
    lease_until: null,
  };
  return context.store.transaction(async (trx) => {
    await claimOrRefuseReplay(trx, request.idempotencyClaim, id, now);
    const serialized = serializeWebhook(row, now);
    // Locks the head of the log, so that no other webhook is created between the count and the insert.
    await recordAuditEvent(trx, request, 'webhook.created', auditTargetOf(row), now, {
      after: auditFieldsOf(serialized),
    });
    if ((await countWebhooks(trx, workspaceId)) >= WEBHOOK_LIMITS.perWorkspace) {
      const max = WEBHOOK_LIMITS.perWorkspace;
      throw invalidField('name', `the workspace already has ${max} webhooks, the maximum`);
    }
    await insertWebhook(trx, row);
    return { ...serialized, secret };
  });
}

/** Lists webhooks, newest first. */
export async function listWebhooks(
  { store, clock }: NotifyContext,
  workspaceId: string,
  query: { limit?: string | undefined; cursor?: string | undefined },
): Promise<Page<Webhook>> {
  const page = readPageRequest(query, '-createdAt', 'number');
  const now = clock();
  return toPage(
    await listRows(store.read, workspaceId, page),
    page.limit,
    '-createdAt',
    (row) => ({ value: row.created_at, id: row.id }),
    (row) => serializeWebhook(row, now),
  );
}

/** Returns a webhook. Throws `not_found`. */
export async function getWebhook({ store, clock }: NotifyContext, workspaceId: string, id: string): Promise<Webhook> {
  return serializeWebhook(await requireWebhook(store.read, workspaceId, id), clock());
}

type EditedColumns = Pick<WebhookTable, 'url' | 'active' | 'is_ordered'>;

/**
 * Returns whether an edit resumes deliveries, and the columns that it then resets. Deliveries resume if the webhook was
 * activated or, while it is active, its URL or `is_ordered` has changed.
 */
function resumptionAfterEdit(before: WebhookTable, after: EditedColumns) {
  const isRerouted = before.url !== after.url || before.is_ordered !== after.is_ordered;
  const resumes = after.active === 1 && (before.active === 0 || isRerouted);
  return { resumes, resetColumns: resumes ? { failing_since: null, switched_off_at: null } : {} };
}

/**
 * Edits a webhook. An edit that changes nothing is not recorded. Throws `not_found`, `conflict` if the webhook does not
 * match `If-Match`, and `validation_failed` for a URL that `DEVPILOT_OUTBOUND` excludes.
 */
export async function updateWebhook(
  context: NotifyContext,
  request: RequestContext,
  id: string,
  input: UpdateWebhook,
): Promise<Webhook> {
  if (input.url !== undefined) requireAllowedUrl(context, input.url);
  const now = context.clock();
  const updated = await context.store.transaction(async (trx) => {
    const before = await requireWebhookForUpdate(trx, request.workspaceId, id);
    const serialized = serializeWebhook(before, now);
    checkIfMatch(request.ifMatch, editableFieldsOf(serialized));
    const events = input.events ?? subscriptionsOf(before);
    const edited = {
      name: input.name ?? before.name,
      url: input.url ?? before.url,
      events: JSON.stringify(events),
      format: input.format ?? before.format,
      active: Number(input.active ?? before.active === 1),
      is_ordered: orderedColumnOf(events),
    };
    const { resumes, resetColumns } = resumptionAfterEdit(before, edited);
    const row = { ...before, ...edited, ...resetColumns, updated_at: now };
    const after = serializeWebhook(row, now);
    if (etagOfWebhook(after) === etagOfWebhook(serialized)) return serialized;
    await updateRow(trx, before, { ...edited, ...resetColumns, updated_at: now });
    if (resumes) await resumeDeliveries(trx, before, now);
    const replaced = edited.url === before.url ? {} : { replaced: ['url'] };
    const detail = { before: auditFieldsOf(serialized), after: auditFieldsOf(after), ...replaced };
    await recordAuditEvent(trx, request, 'webhook.updated', auditTargetOf(row), now, detail);
    if (resumes) await resolveNotices(trx, before.workspace_id, id);
    return after;
  });
  context.wake();
  return updated;
}

/**
 * Deletes a webhook and its deliveries. A message that is being sent may still arrive. Throws `not_found`, and
 * `conflict` if the webhook does not match `If-Match`.
 */
export async function deleteWebhook(context: NotifyContext, request: RequestContext, id: string): Promise<void> {
  const now = context.clock();
  await context.store.transaction(async (trx) => {
    const row = await requireWebhookForUpdate(trx, request.workspaceId, id);
    checkIfMatch(request.ifMatch, editableFieldsOf(serializeWebhook(row, now)));
    await deleteRow(trx, request.workspaceId, id);
    await recordAuditEvent(trx, request, 'webhook.deleted', auditTargetOf(row), now, {});
    await resolveNotices(trx, request.workspaceId, id);
  });
}

/**
 * Replaces the secret. For a day, messages are signed with the new and the previous secret, so that there is time to
 * update the receiver; older secrets are no longer used. Throws `not_found` and `idempotent_replay` for a repeated
 * request.
 */
export async function replaceWebhookSecret(
  context: NotifyContext,
  request: RequestContext,
  id: string,
): Promise<WebhookSecret> {
  const now = context.clock();
  const secret = createWebhookSecret();
  const until = now + DURATIONS.webhookSecretOverlap;
  return context.store.transaction(async (trx) => {
    const row = await requireWebhookForUpdate(trx, request.workspaceId, id);
    await claimOrRefuseReplay(trx, request.idempotencyClaim, id, now);
    await updateRow(trx, row, {
      secret_sealed: context.seal.seal(secret, webhookSecretAssociatedData(row)),
      previous_secret_sealed: row.secret_sealed,
      previous_secret_until: until,
      updated_at: now,
    });
    await recordAuditEvent(trx, request, 'webhook.secret_replaced', auditTargetOf(row), now, {});
    return { secret, previousSecretExpiresAt: toIsoString(until) };
  });
}
