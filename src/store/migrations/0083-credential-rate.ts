/**
 * The token bucket of a credential with a rate. It is stored with the credential, because a use locks that row anyway
 * and a deletion removes both.
 */
export function credentialRate(): string[] {
  return [
    'alter table credential add column rate_missing bigint not null default 0',
    'alter table credential add column rate_at bigint not null default 0',
  ];
}
