/**
 * The indexes for the lists of credentials contain the columns that filters by expiry and status compare, so that a
 * filtered list reads index entries instead of rows. There is one index per filter that can match only a few
 * credentials.
 */
export function credentialLists(): string[] {
  return [
    'drop index credential_created_at',
    'create index credential_created_at on credential (workspace_id, kind, created_at, id, expires_at, active)',
    'drop index credential_expires_at',
    `create index credential_expires_at
      on credential (workspace_id, kind, coalesce(expires_at, 9007199254740991), id, created_at, expires_at, active)`,
    'drop index credential_created_by',
    'create index credential_created_by on credential (workspace_id, kind, created_by, created_at, id)',
    'create index credential_inactive on credential (workspace_id, kind, created_at, id) where active = 0',
  ];
}
