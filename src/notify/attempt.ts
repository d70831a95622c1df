import { redactSecrets } from '../contract/redact.ts';
import type { Outbound } from '../outbound/outbound.ts';
import { OutboundError } from '../outbound/outbound.ts';
import type { WebhookTable } from '../store/schema/webhooks.ts';
import type { Seal } from '../store/seal.ts';
import { signatureOf } from './message.ts';
import { webhookSecretAssociatedData } from './webhooks.ts';

export const ATTEMPT_TIMEOUT_MS = 15_000;
const MAX_RESPONSE_BYTES = 4_096;
/** A receiver that wants no more messages responds with this status (Standard Webhooks, "Message delivery"). */
const GONE = 410;

export interface AttemptResult {
  readonly delivered: boolean;
  /** Whether the receiver wants no more messages. */
  readonly gone: boolean;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
  /** The header `Retry-After` of the response. */
  readonly retryAfter: string | undefined;
  /** Why the message was not delivered, for users; null if it was. */
  readonly error: string | null;
}

/** Returns the secrets that sign a webhook's messages at the time `now`. */
function signingSecretsOf(seal: Seal, webhook: WebhookTable, now: number): string[] {
  const associatedData = webhookSecretAssociatedData(webhook);
  const { secret_sealed: current, previous_secret_sealed: previous, previous_secret_until: previousUntil } = webhook;
  const isPreviousValid = previous !== null && previousUntil !== null && now < previousUntil;
  return (isPreviousValid ? [current, previous] : [current]).map((sealed) => seal.open(sealed, associatedData));
}

/**
 * Returns the beginning of a response as text that can be stored, without secrets and signatures that the receiver sent
 * back.
 */
function maskedResponseText(body: Buffer, secrets: readonly string[]): string {
  const text = body.toString('utf8').replaceAll('\0', '\ufffd').toWellFormed();
  const masked = secrets.reduce((unmasked, secret) => unmasked.replaceAll(secret, '[secret]'), text);
  return redactSecrets(masked.replace(/v1,[A-Za-z0-9+/]{43}=/g, 'v1,[signature]'));
}

/**
 * Sends a message once. Any 2xx status means that the receiver accepted the message. Any other outcome is a result with
 * `error`. Rejects if the signal is aborted or a secret of the webhook cannot be decrypted.
 */
export async function attemptDelivery(
  {
    seal,
    outbound,
    attemptTimeoutMs = ATTEMPT_TIMEOUT_MS,
  }: { readonly seal: Seal; readonly outbound: Outbound; readonly attemptTimeoutMs?: number },
  webhook: WebhookTable,
  { id, body }: { readonly id: string; readonly body: string },
  now: number,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const secrets = signingSecretsOf(seal, webhook, now);
  const timestampSeconds = Math.floor(now / 1000);
  try {
    const { status, ...response } = await outbound.send({
      url: webhook.url,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Devpilot',
        'webhook-id': id,
        'webhook-timestamp': String(timestampSeconds),
        'webhook-signature': signatureOf(secrets, { id, timestampSeconds, body }),
      },
      body,
      timeoutMs: attemptTimeoutMs,
      maxResponseBytes: MAX_RESPONSE_BYTES,
      signal,
    });
    const delivered = status >= 200 && status < 300;
    return {
      delivered,
      gone: status === GONE,
      responseStatus: status,
      responseBody: maskedResponseText(response.body, secrets),
      retryAfter: response.headers['retry-after'],
      error: delivered ? null : `The receiver responded with ${status}.`,
    };
  } catch (error) {
    if (signal.aborted || !(error instanceof OutboundError)) throw error;
    return {
      delivered: false,
      gone: false,
      responseStatus: null,
      responseBody: null,
      retryAfter: undefined,
      error: error.message,
    };
  }
}
