/**
 * Every revocation has a random id, so that a reused number is detected. On PostgreSQL, the default serves servers of
 * the previous version, which may still be running.
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
