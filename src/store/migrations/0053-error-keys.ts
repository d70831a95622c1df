/** Keys that may only submit errors. They are public, so they are stored in plain text. */
export function errorKeys(): string[] {
  return [
    `create table error_key (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      name text not null,
      public_key text not null unique,
      app_id text references app (id) on delete set null,
      allowed_origins text not null,
      created_at bigint not null
    )`,
    'create index error_key_created_at on error_key (workspace_id, created_at, id)',
  ];
}
