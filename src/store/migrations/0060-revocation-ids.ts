/**
 * Every revocation has a random ID, so that a reused number is detected. On PostgreSQL, the default provides IDs for
 * servers of the previous version that are still running.
 */
export function revocationIds(bytes: 'blob' | 'bytea'): string[] {
  if (bytes === 'bytea') {
    return ['alter table revocation add column id text not null default gen_random_uuid()::varchar'];
  }
  return [
    "alter table revocation add column id text not null default ''",
    'update revocation set id = lower(hex(randomblob(16)))',
  ];
}
