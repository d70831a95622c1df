/**
 * On SQLite, the key of an event begins with its span of sequence numbers, so that new events are stored next to each
 * other although their IDs are random. With a key on the ID alone, each event wrote a separate page, twice. Counts are
 * stored in the order in which charts read them.
 */
function bySpan(): string[] {
  return [
    'alter table activity_event rename to activity_event_before',
    `create table activity_event (
      workspace_id text not null references workspace (id) on delete cascade,
      source text not null,
      id text not null,
      sequence bigint not null,
      type text not null,
      subject text,
      at bigint not null,
      data text,
      received_at bigint not null
    )`,
    `insert into activity_event (workspace_id, source, id, sequence, type, subject, at, data, received_at)
      select workspace_id, source, id, sequence, type, subject, at, data, received_at
      from activity_event_before order by workspace_id, sequence`,
    'drop table activity_event_before',
    'create unique index activity_event_span on activity_event (workspace_id, sequence / 16384, source, id)',
    'create index activity_event_at on activity_event (workspace_id, at, sequence)',
    'create index activity_event_type on activity_event (workspace_id, type, at, sequence)',
    'create index activity_event_subject on activity_event (workspace_id, subject, at, sequence)',
    'alter table activity_rollup rename to activity_rollup_before',
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
    ) without rowid`,
    `insert into activity_rollup (workspace_id, grain, dimension, at, key, count, subjects, sketch)
      select workspace_id, grain, dimension, at, key, count, subjects, sketch
      from activity_rollup_before order by workspace_id, grain, dimension, at, key`,
    'drop table activity_rollup_before',
  ];
}

/** A filter per span of events, so that a resent event is found without searching every span. */
export function activitySpans(bytes: 'blob' | 'bytea'): string[] {
  return [
    `create table activity_span (
      workspace_id text not null references workspace (id) on delete cascade,
      span bigint not null,
      bits ${bytes},
      primary key (workspace_id, span)
    )`,
    ...(bytes === 'blob' ? bySpan() : []),
  ];
}
