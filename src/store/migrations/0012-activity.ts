/** The events of the activity tracker, and their number per minute, hour and day. */
export function activity(): string[] {
  return [
    `create table activity_head (
      workspace_id text primary key references workspace (id) on delete cascade,
      sequence bigint not null
    )`,
    `create table activity_event (
      workspace_id text not null references workspace (id) on delete cascade,
      source text not null,
      id text not null,
      sequence bigint not null,
      type text not null,
      subject text,
      at bigint not null,
      data text,
      received_at bigint not null,
      primary key (workspace_id, source, id)
    )`,
    'create index activity_event_at on activity_event (workspace_id, at, sequence)',
    'create index activity_event_type on activity_event (workspace_id, type, at, sequence)',
    'create index activity_event_subject on activity_event (workspace_id, subject, at, sequence)',
    `create table activity_rollup (
      workspace_id text not null references workspace (id) on delete cascade,
      grain text not null,
      dimension text not null,
      at bigint not null,
      key text not null,
      count bigint not null,
      subjects bigint not null,
      sketch text,
      primary key (workspace_id, grain, dimension, at, key)
    )`,
  ];
}
