/** Projects, servers and apps. A server's private key is stored encrypted, bound to its row. */
export function resources(): string[] {
  const commonColumns = `id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      name text not null,
      name_key text not null,
      slug text not null,
      created_at bigint not null,
      updated_at bigint not null`;
  return [
    `create table project (
      ${commonColumns},
      description text,
      unique (workspace_id, slug)
    )`,
    'create index project_created_at on project (workspace_id, created_at, id)',
    'create index project_name on project (workspace_id, name_key, id)',
    `create table server (
      ${commonColumns},
      kind text not null check (kind in ('ssh', 'local')),
      host text,
      port bigint,
      user_name text,
      host_key text,
      public_key text,
      private_key_sealed text,
      unique (workspace_id, slug)
    )`,
    'create index server_created_at on server (workspace_id, created_at, id)',
    'create index server_name on server (workspace_id, name_key, id)',
    `create table app (
      ${commonColumns},
      project_id text not null references project (id),
      server_id text references server (id),
      repository text,
      branch text not null,
      directory text,
      hooks text not null,
      keep_releases bigint not null,
      health_check text,
      log_command text,
      backup text,
      unique (workspace_id, slug)
    )`,
    'create index app_created_at on app (workspace_id, created_at, id)',
    'create index app_name on app (workspace_id, name_key, id)',
    'create index app_project on app (project_id)',
    'create index app_server on app (server_id)',
  ];
}
