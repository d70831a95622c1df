/**
 * Every revocation has a random id, so that a number that is used again is told apart. On PostgreSQL the
 * default serves servers of the version before, which may still be running.
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
