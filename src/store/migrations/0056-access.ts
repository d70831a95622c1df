/** When a person's access was last ended, and codes for resetting a password. */
export function access(bytes: 'blob' | 'bytea'): string[] {
  return [
    'alter table person add column access_ended_at bigint not null default 0',
    `create table password_reset (
      digest ${bytes} primary key,
      person_id text not null references person (id) on delete cascade,
      created_at bigint not null,
      expires_at bigint not null
    )`,
    'create index password_reset_person on password_reset (person_id, expires_at)',
    'create index password_reset_expires_at on password_reset (expires_at)',
    'create index device_code_person on device_code (person_id)',
    'create index invitation_created_by on invitation (created_by)',
  ];
}
