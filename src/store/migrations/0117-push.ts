/** Push to deploy: which pushes deploy an app, and the secret with which its Git host signs them. */
export function push(): string[] {
  return [
    'alter table app add column push text',
    `create table push_secret (
      app_id text primary key references app (id) on delete cascade,
      workspace_id text not null references workspace (id) on delete cascade,
      secret_sealed text not null,
      replaced_at bigint not null
    )`,
    'create index push_secret_workspace on push_secret (workspace_id)',
    'create index app_slug on app (slug)',
  ];
}
