export interface WebhookTable {
  id: string;
  workspace_id: string;
  name: string;
  url: string;
  /** JSON: a `WebhookSubscription[]`, the events and families of events that are sent to it. */
  events: string;
  /** A `WebhookFormat`. */
  format: string;
  active: number;
  /** 1 if its deliveries are sent in the order of their events, because it receives the activity log. */
  is_ordered: number;
  /** The secret that signs messages. */
  secret_sealed: string;
  previous_secret_sealed: string | null;
  /** Until when messages are also signed with the previous secret, epoch milliseconds. */
  previous_secret_until: number | null;
  created_at: number;
  updated_at: number;
  /** The sequence number of the last event of the activity log that was processed for the webhook. */
  sequence: number;
  /** When the first attempt since the last success failed; null if the last attempt succeeded. */
  failing_since: number | null;
  last_delivered_at: number | null;
  /** When it was switched off because it had failed for too long. */
  switched_off_at: number | null;
  /** The ID of the node that sends the deliveries; null if none does. */
  owner: string | null;
  /** When the owner's lease expires, by the database's clock. */
  lease_until: number | null;
}

export interface WebhookDeliveryTable {
  id: string;
  workspace_id: string;
  webhook_id: string;
  /** Sent as `webhook-id`; the same in every attempt and redelivery. */
  message_id: string;
  /** A `WebhookEvent`. */
  event: string;
  event_at: number;
  /** The sequence number of the event in the activity log; null for a test. */
  sequence: number | null;
  /** 1 for a test or redelivery that a person requested. It is sent once, and not in order. */
  is_manual: number;
  /** A `WebhookDeliveryStatus`. */
  status: string;
  attempts: number;
  created_at: number;
  first_attempt_at: number | null;
  last_attempt_at: number | null;
  /** Null if the status is not `waiting`. */
  next_attempt_at: number | null;
  duration_ms: number | null;
  response_status: number | null;
  response_body: string | null;
  error: string | null;
}
