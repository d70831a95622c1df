/**
 * Uses per scope or permission and app (empty: for no app in particular), and refusals per day and reason. Earlier
 * uses were counted without rights, so the installation records since when rights are counted.
 */
export function credentialRights(): string[] {
  return [
    `create table credential_right (
      credential_id text not null references credential (id) on delete cascade,
      workspace_id text not null,
      name text not null,
      app_id text not null,
      count bigint not null,
      last_used_at bigint not null,
      primary key (credential_id, name, app_id)
    )`,
    `create table credential_refusal (
      credential_id text not null references credential (id) on delete cascade,
      workspace_id text not null,
      day bigint not null,
      reason text not null,
      count bigint not null,
      primary key (credential_id, day, reason)
    )`,
    'alter table installation add column rights_counted_since bigint not null default 0',
    `update installation set rights_counted_since = ${Date.now()}`,
  ];
}
