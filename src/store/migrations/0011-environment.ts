/**
 * The environments of apps as a history of changes. The newest change of a variable contains its current value; an
 * older change contains its value in an older version.
 */
export function environment(): string[] {
  return [
    `create table env_version (
      app_id text not null references app (id) on delete cascade,
      workspace_id text not null,
      number bigint not null,
      at bigint not null,
      actor_kind text not null,
      actor_id text,
      actor_name text,
      set_names text not null,
      removed_names text not null,
      restored_from bigint,
      primary key (app_id, number)
    )`,
    `create table env_change (
      app_id text not null references app (id) on delete cascade,
      workspace_id text not null,
      name text not null,
      version bigint not null,
      value_sealed text,
      at bigint not null,
      primary key (app_id, name, version)
    )`,
  ];
}
