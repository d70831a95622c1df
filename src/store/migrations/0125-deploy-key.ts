/** Key pairs of apps for their repositories, and the host keys of Git hosts that people confirmed for them. */
export function deployKey(): string[] {
  return [
    `create table deploy_key (
      app_id text primary key references app (id) on delete cascade,
      workspace_id text not null references workspace (id) on delete cascade,
      public_key text not null,
      private_key_sealed text not null,
      host text,
      port integer,
      host_key text,
      created_at bigint not null
    )`,
    'create index deploy_key_workspace on deploy_key (workspace_id)',
  ];
}
