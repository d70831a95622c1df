/**
 * Which groups of the OpenID Connect provider give which role in a workspace, and which memberships a group gave:
 * those end with the group.
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
