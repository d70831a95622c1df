/**
 * The policy of a workspace; a workspace without a row has the defaults. While the policy ends a credential before the
 * expiry that a person chose, `expires_at` is when it ends and `unbound_expires_at` is the chosen expiry. The index
 * finds credentials that violate the policy; `policy_violations` has one bit per violated rule.
 */
export function workspacePolicy(): string[] {
  return [
    `create table workspace_policy (
      workspace_id text primary key references workspace (id) on delete cascade,
      max_lifetime_days bigint,
      binds_existing_from bigint,
      passphrase_scopes text not null,
      allow_all bigint not null,
      require_addresses bigint not null,
      require_two_factor bigint not null,
      created_by text not null,
      unused_after_days bigint not null,
      on_leak text not null
    )`,
    'alter table credential add column unbound_expires_at bigint',
    'alter table credential add column policy_violations bigint not null default 0',
    `create index credential_policy_violations
      on credential (workspace_id, kind, created_at, id, expires_at, policy_violations) where policy_violations <> 0`,
  ];
}
