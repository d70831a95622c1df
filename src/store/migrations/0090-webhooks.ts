/**
 * Webhooks and their deliveries. A webhook's `sequence` is the last event of the activity log for which deliveries
 * exist: the log is the outbox, so a change writes nothing else. A delivery's `sequence` is its event; null for a test.
 * A waiting delivery has a `next_attempt_at`.
 */
export function webhooks(): string[] {
  return [
    `create table webhook (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      name text not null,
      url text not null,
      events text not null,
      active bigint not null,
      is_ordered bigint not null,
      secret_sealed text not null,
      previous_secret_sealed text,
      previous_secret_until bigint,
      created_at bigint not null,
      updated_at bigint not null,
      sequence bigint not null,
      failing_since bigint,
      last_delivered_at bigint,
      switched_off_at bigint,
      owner text,
      lease_until bigint
    )`,
    'create index webhook_created_at on webhook (workspace_id, created_at, id)',
    `create table webhook_delivery (
      id text primary key,
      workspace_id text not null,
      webhook_id text not null references webhook (id) on delete cascade,
      message_id text not null,
      event text not null,
      event_at bigint not null,
      sequence bigint,
      is_manual bigint not null,
      status text not null,
      attempts bigint not null,
      created_at bigint not null,
      first_attempt_at bigint,
      last_attempt_at bigint,
      next_attempt_at bigint,
      duration_ms bigint,
      response_status bigint,
      response_body text,
      error text
    )`,
    'create index webhook_delivery_created_at on webhook_delivery (webhook_id, created_at, id)',
    `create index webhook_delivery_waiting on webhook_delivery (webhook_id, next_attempt_at) where status = 'waiting'`,
  ];
}
