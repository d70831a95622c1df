import { createHmac, randomBytes } from 'node:crypto';
import { serializeAuditEvent } from '../audit/log.ts';
import type { WebhookFormat } from '../contract/event-names.ts';
import { createId } from '../contract/id.ts';
import { toIsoString } from '../contract/instant.ts';
import type { AuditEventTable } from '../store/schema/audit.ts';
import type { WebhookDeliveryTable } from '../store/schema/webhooks.ts';
import { type ChatMessage, type MessageSource, toChatMessage } from './formats/chat-message.ts';
import { toDiscordBody } from './formats/discord.ts';
import { toSlackBody } from './formats/slack.ts';
import { toTeamsBody } from './formats/teams.ts';

const SECRET_PREFIX = 'whsec_';
/** Standard Webhooks requires 24 to 64 bytes ("Signature scheme"). */
const SECRET_BYTES = 32;

export const createWebhookSecret = (): string => `${SECRET_PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;

/** Returns a new message ID. It contains no full stop, which separates the parts of the signed content. */
export const createMessageId = (now: number): string => createId('webhook_message', now);

/** Returns the value of the header `webhook-signature`: one signature per secret, separated by spaces. Pure. */
export function signatureOf(
  secrets: readonly string[],
  message: { readonly id: string; readonly timestampSeconds: number; readonly body: string },
): string {
  const content = `${message.id}.${message.timestampSeconds}.${message.body}`;
  const sign = (secret: string) =>
    createHmac('sha256', Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64'))
      .update(content)
      .digest('base64');
  return secrets.map((secret) => `v1,${sign(secret)}`).join(' ');
}

const CHAT_FORMATS: Readonly<Record<Exclude<WebhookFormat, 'standard'>, (message: ChatMessage) => object>> = {
  slack: toSlackBody,
  teams: toTeamsBody,
  discord: toDiscordBody,
};

/**
 * Returns the body of a message. In the format `standard`, it is the same in every attempt, and contains the event's
 * entry in the activity log and the workspace ID, so that a receiver can compute the entry's hash. A test message has
 * no event. Pure.
 */
export function bodyOf(
  delivery: WebhookDeliveryTable,
  event: AuditEventTable | undefined,
  format: WebhookFormat,
  source: MessageSource,
): string {
  const data =
    event === undefined
      ? { workspaceId: delivery.workspace_id, webhookId: delivery.webhook_id }
      : { workspaceId: delivery.workspace_id, ...serializeAuditEvent(event) };
  const message = { type: delivery.event, timestamp: toIsoString(delivery.event_at), data };
  return JSON.stringify(format === 'standard' ? message : CHAT_FORMATS[format](toChatMessage(message, source)));
}
