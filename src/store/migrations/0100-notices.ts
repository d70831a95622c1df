/**
 * Notices about problems in a workspace: at most one per kind and subject, so that neither several nodes nor a restart
 * create one twice. `occurrence` distinguishes a new notice about the same subject from the existing one. Notices whose
 * cause no longer exists are deleted, but stay in the activity log.
 */
export function notices(): string[] {
  return [
    `create table notice (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      kind text not null,
      subject_kind text not null,
      subject_id text not null,
      subject_name text not null,
      occurrence text not null,
      detail text not null,
      created_at bigint not null,
      dismissed_at bigint,
      dismissed_by_id text,
      dismissed_by_name text,
      snoozed_until bigint,
      mailed_at bigint,
      digested_at bigint
    )`,
    'create unique index notice_subject on notice (workspace_id, subject_id, kind)',
    'create index notice_created_at on notice (workspace_id, created_at, id)',
    'create index notice_not_mailed on notice (workspace_id) where mailed_at is null',
    'create index notice_not_digested on notice (workspace_id) where digested_at is null',
  ];
}
