/** Where the results of an app's deployments are reported as commit statuses. */
export function commitStatus(): string[] {
  return [
    `create table commit_status (
      app_id text primary key references app (id) on delete cascade,
      workspace_id text not null references workspace (id) on delete cascade,
      kind text not null,
      url text not null,
      repository_host text not null,
      token_sealed text not null,
      error text,
      updated_at bigint not null
    )`,
    'create index commit_status_workspace on commit_status (workspace_id)',
  ];
}
