/** A credential outlives the account of its creator. */
export function credentialCreator(bytes: 'blob' | 'bytea'): string[] {
  if (bytes === 'bytea') {
    return [
      'alter table credential alter column created_by drop not null',
      'alter table credential drop constraint credential_created_by_fkey',
      `alter table credential add constraint credential_created_by_fkey
        foreign key (created_by) references person (id) on delete set null`,
    ];
  }
  // SQLite cannot change a column, so a new one replaces it.
  return [
    'alter table credential add column creator_id text references person (id) on delete set null',
    'update credential set creator_id = created_by',
    'drop index credential_created_by',
    'alter table credential drop column created_by',
    'alter table credential rename column creator_id to created_by',
    'create index credential_created_by on credential (workspace_id, created_by, created_at, id)',
  ];
}
