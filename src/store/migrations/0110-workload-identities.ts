/**
 * Workload identities, their last exchanges, and digests of accepted tokens until these expire, so that no token is
 * accepted twice. `issued_by` of an access token is the workload identity or the access token that it was issued for.
 */
export function workloadIdentities(bytes: 'blob' | 'bytea'): string[] {
  return [
    `create table workload_identity (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      name text not null,
      issuer text not null,
      jwks_url text,
      audience text not null,
      conditions text not null,
      scopes text not null,
      lifetime_seconds bigint not null,
      restrictions text,
      max_uses bigint,
      created_at bigint not null,
      updated_at bigint not null,
      last_exchanged_at bigint
    )`,
    'create index workload_identity_created_at on workload_identity (workspace_id, created_at, id)',
    `create table workload_exchange (
      id text primary key,
      workspace_id text not null,
      identity_id text not null references workload_identity (id) on delete cascade,
      at bigint not null,
      accepted bigint not null,
      reason text,
      detail text,
      claims text,
      credential_id text,
      address text
    )`,
    'create index workload_exchange_at on workload_exchange (identity_id, accepted, id)',
    `create table workload_replay (
      workspace_id text not null references workspace (id) on delete cascade,
      digest ${bytes} not null,
      expires_at bigint not null,
      primary key (workspace_id, digest)
    )`,
    'create index workload_replay_expires_at on workload_replay (expires_at)',
    'alter table credential add column issued_by text',
    'create index credential_issued_by on credential (workspace_id, issued_by, expires_at) where issued_by is not null',
    `create index credential_issued on credential (workspace_id, kind, origin, created_at, id)
      where issued_by is not null`,
    'create index credential_issued_expiry on credential (expires_at) where issued_by is not null',
  ];
}
