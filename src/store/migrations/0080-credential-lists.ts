/**
 * The indexes behind the lists of credentials contain what filters by expiry and status compare, so that a filtered
 * list reads entries of an index instead of rows. One index per filter that few credentials may match.
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
