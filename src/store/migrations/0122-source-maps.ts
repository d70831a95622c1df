/** Source maps of an app's minified files, by debug ID. They resolve the stack frames of the app's errors. */
export function sourceMaps(bytes: 'blob' | 'bytea'): string[] {
  return [
    `create table source_map (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      app_id text not null references app (id) on delete cascade,
      debug_id text not null,
      file text not null,
      size bigint not null,
      map ${bytes} not null,
      created_at bigint not null
    )`,
    'create unique index source_map_debug_id on source_map (workspace_id, debug_id, app_id)',
    'create index source_map_created_at on source_map (workspace_id, created_at, id)',
    'create index source_map_app on source_map (app_id)',
  ];
}
