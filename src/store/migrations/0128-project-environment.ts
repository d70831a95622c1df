/** The environments of projects, stored like the environments of apps (0011-environment.ts). */
export function projectEnvironment(): string[] {
  return [
    `create table project_env_version (
      project_id text not null references project (id) on delete cascade,
      workspace_id text not null,
      number bigint not null,
      at bigint not null,
      actor_kind text not null,
      actor_id text,
      actor_name text,
      set_names text not null,
      removed_names text not null,
      restored_from bigint,
      primary key (project_id, number)
    )`,
    `create table project_env_change (
      project_id text not null references project (id) on delete cascade,
      workspace_id text not null,
      name text not null,
      version bigint not null,
      value_sealed text,
      at bigint not null,
      primary key (project_id, name, version)
    )`,
  ];
}
