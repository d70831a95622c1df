/**
 * Restores to another app or server, and verifications. A verification is a restore to a scratch directory that changes
 * nothing else.
 */
export function backupVerifications(): string[] {
  return [
    `alter table restore add column purpose text not null default 'restore'`,
    'alter table restore add column server_id text',
    'alter table restore add column method text',
    'alter table backup add column verified_at bigint',
    'alter table app add column next_verification_at bigint',
    'create index app_verification_due on app (next_verification_at)',
  ];
}
