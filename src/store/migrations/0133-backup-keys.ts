/**
 * The keys that encrypt backups, sealed with the installation's secret. New backups are encrypted with the workspace's
 * newest key; the other keys are kept while a stored object needs them. An object without a key was stored before this
 * migration.
 */
export function backupKeys(): string[] {
  return [
    `create table backup_key (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      key_sealed text not null,
      created_at bigint not null
    )`,
    'create index backup_key_workspace on backup_key (workspace_id, created_at)',
    'alter table stored_object add column key_id text',
  ];
}
