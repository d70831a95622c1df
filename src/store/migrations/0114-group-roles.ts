/**
 * The role that each group of the OpenID Connect provider grants in a workspace, and which memberships were granted by
 * a group. Such a membership ends when the person leaves the group.
 */
export function groupRoles(): string[] {
  return [
    `create table workspace_sso (
      workspace_id text primary key references workspace (id) on delete cascade,
      claim text not null,
      roles text not null
    )`,
    'alter table member add column by_group bigint not null default 0',
  ];
}
