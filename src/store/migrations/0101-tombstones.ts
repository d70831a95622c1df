/** Digests of deleted credentials, so that their secrets are recognized when they are presented again. */
export function tombstones(bytes: 'blob' | 'bytea'): string[] {
  return [
    `create table credential_tombstone (
      digest ${bytes} primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      credential_id text not null,
      kind text not null,
      name text not null,
      created_by text,
      deleted_at bigint not null
    )`,
    'create index credential_tombstone_credential on credential_tombstone (workspace_id, credential_id)',
    'create index credential_tombstone_deleted_at on credential_tombstone (deleted_at)',
  ];
}
