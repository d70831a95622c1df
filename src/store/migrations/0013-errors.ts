/** The error tracker: issues, their stored occurrences, and their counts. */
export function errors(): string[] {
  return [
    `create table error_issue (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      fingerprint text not null,
      title text not null,
      type text not null,
      status text not null check (status in ('open', 'resolved')),
      level text not null,
      count bigint not null,
      first_seen_at bigint not null,
      last_seen_at bigint not null,
      release text,
      environment text,
      app text,
      resolved_at bigint,
      kept_minute bigint not null,
      kept_count bigint not null,
      unique (workspace_id, fingerprint)
    )`,
    'create index error_issue_last_seen on error_issue (workspace_id, last_seen_at, id)',
    `create table error_event (
      id text primary key,
      workspace_id text not null,
      issue_id text not null references error_issue (id) on delete cascade,
      at bigint not null,
      received_at bigint not null,
      level text not null,
      message text not null,
      stack text,
      release text,
      environment text,
      app text,
      detail text not null
    )`,
    'create index error_event_issue on error_event (issue_id, received_at, id)',
    `create table error_day (
      issue_id text not null references error_issue (id) on delete cascade,
      workspace_id text not null,
      day bigint not null,
      count bigint not null,
      primary key (issue_id, day)
    )`,
    `create table error_facet (
      issue_id text not null references error_issue (id) on delete cascade,
      workspace_id text not null,
      kind text not null,
      value text not null,
      count bigint not null,
      last_seen_at bigint not null,
      primary key (issue_id, kind, value)
    )`,
  ];
}
