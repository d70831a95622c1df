/**
 * The token bucket of a credential with a rate. In columns of the credential, because a use locks its row anyway, and
 * because a deletion ends both.
 */
export function credentialRate(): string[] {
  return [
    'alter table credential add column rate_missing bigint not null default 0',
    'alter table credential add column rate_at bigint not null default 0',
  ];
}
