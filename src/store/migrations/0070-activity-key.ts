/**
 * Events are unique by workspace, source and ID on both engines. Previously, SQLite's key also included the span of
 * sequence numbers, and a Bloom filter per span detected duplicates in other spans. If a duplicate was not detected,
 * only the first row is kept.
 */
export function activityKey(bytes: 'blob' | 'bytea'): string[] {
  if (bytes === 'bytea') return ['drop table activity_span'];
  return [
    'drop index activity_event_span',
    `delete from activity_event where rowid in (
      select id from (
        select rowid as id, row_number() over (partition by workspace_id, source, id order by sequence) as nth from activity_event
      ) where nth > 1
    )`,
    'create unique index activity_event_key on activity_event (workspace_id, source, id)',
    'drop table activity_span',
  ];
}
