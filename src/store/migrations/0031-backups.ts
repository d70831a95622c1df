/**
 * Backups and their restores. A backup outlives its app. `stored_object` records where each backup is stored: the row
 * is written before the object and deleted after it, even if the workspace has been deleted, so that no object is ever
 * without a row.
 */
export function backups(): string[] {
  const actor = `actor_kind text not null,
      actor_id text,
      actor_name text`;
  return [
    `create table backup (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      app_id text not null,
      app_name text not null,
      kind text not null check (kind in ('directory', 'command')),
      status text not null,
      size_bytes bigint,
      sha256 text,
      error text,
      ${actor},
      created_at bigint not null,
      updated_at bigint not null,
      started_at bigint,
      finished_at bigint,
      scheduled_for bigint,
      unique (app_id, scheduled_for)
    )`,
    'create index backup_app on backup (workspace_id, app_id, created_at, id)',
    `create table restore (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      backup_id text not null references backup (id) on delete cascade,
      app_id text not null,
      status text not null,
      error text,
      ${actor},
      created_at bigint not null,
      started_at bigint,
      finished_at bigint
    )`,
    'create index restore_backup on restore (backup_id, created_at)',
    'create index restore_app on restore (workspace_id, app_id, status)',
    `create table stored_object (
      id text primary key,
      workspace_id text not null,
      place text not null,
      upload text,
      created_at bigint not null
    )`,
    'create index stored_object_created_at on stored_object (created_at)',
    'alter table app add column next_backup_at bigint',
    'create index app_backup_due on app (next_backup_at)',
  ];
}
