/**
 * People, workspaces, credentials, the activity log and the numbering of revocations. `bytes` is the engine's type for
 * binary columns, the only difference between the engines.
 */
export function foundation(bytes: 'blob' | 'bytea'): string[] {
  return [
    `create table person (
      id text primary key,
      name text not null,
      email text not null,
      email_key text not null unique,
      password_hash text not null,
      totp_sealed text,
      totp_enabled bigint not null default 0,
      totp_last_step bigint not null default 0,
      last_workspace_id text,
      created_at bigint not null,
      updated_at bigint not null
    )`,
    `create table recovery_code (
      person_id text not null references person (id) on delete cascade,
      digest ${bytes} not null,
      primary key (person_id, digest)
    )`,
    `create table session (
      id text primary key,
      person_id text not null references person (id) on delete cascade,
      digest ${bytes} not null unique,
      kind text not null,
      address text,
      user_agent text,
      created_at bigint not null,
      last_used_at bigint not null,
      ends_at bigint not null
    )`,
    'create index session_person on session (person_id, created_at, id)',
    `create table known_address (
      person_id text not null references person (id) on delete cascade,
      address text not null,
      last_seen_at bigint not null,
      primary key (person_id, address)
    )`,
    `create table setup_code (id bigint primary key check (id = 1), digest ${bytes} not null)`,
    `create table device_code (
      id text primary key,
      device_digest ${bytes} not null unique,
      user_code text not null unique,
      client text not null,
      address text,
      person_id text references person (id) on delete cascade,
      status text not null,
      last_polled_at bigint not null,
      created_at bigint not null,
      expires_at bigint not null
    )`,
    `create table workspace (
      id text primary key,
      name text not null,
      slug text not null unique,
      created_at bigint not null,
      updated_at bigint not null
    )`,
    `create table member (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      person_id text not null references person (id) on delete cascade,
      role text not null check (role in ('owner', 'admin', 'member')),
      created_at bigint not null,
      unique (workspace_id, person_id)
    )`,
    'create index member_person on member (person_id, created_at, id)',
    "create unique index member_one_owner on member (workspace_id) where role = 'owner'",
    `create table invitation (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      email text not null,
      email_key text not null,
      role text not null check (role in ('admin', 'member')),
      digest ${bytes} not null unique,
      created_by text not null references person (id),
      created_at bigint not null,
      expires_at bigint not null,
      unique (workspace_id, email_key)
    )`,
    `create table credential (
      id text primary key,
      workspace_id text not null references workspace (id) on delete cascade,
      kind text not null check (kind in ('access_token', 'api_key')),
      name text not null,
      name_key text not null,
      description text,
      rights text not null,
      passphrase_hash text,
      active bigint not null,
      digest ${bytes} not null unique,
      hint text not null,
      expires_at bigint,
      created_at bigint not null,
      updated_at bigint not null,
      created_by text not null references person (id),
      last_used_at bigint,
      use_count bigint not null default 0
    )`,
    'create index credential_created_at on credential (workspace_id, kind, created_at, id)',
    'create index credential_name on credential (workspace_id, kind, name_key, id)',
    'create index credential_expires_at on credential (workspace_id, kind, coalesce(expires_at, 9007199254740991), id)',
    'create index credential_last_used_at on credential (workspace_id, kind, coalesce(last_used_at, 0), id)',
    'create index credential_use_count on credential (workspace_id, kind, use_count, id)',
    'create index credential_created_by on credential (workspace_id, created_by, created_at, id)',
    `create table credential_day (
      credential_id text not null references credential (id) on delete cascade,
      workspace_id text not null,
      day bigint not null,
      count bigint not null,
      primary key (credential_id, day)
    )`,
    `create table credential_address (
      credential_id text not null references credential (id) on delete cascade,
      workspace_id text not null,
      address text not null,
      first_seen_at bigint not null,
      last_seen_at bigint not null,
      primary key (credential_id, address)
    )`,
    'create table usage_flush (node_id text primary key, number bigint not null)',
    'create table failure (subject text not null, address text not null, at bigint not null)',
    'create index failure_subject on failure (subject, at)',
    'create index failure_at on failure (at)',
    `create table idempotency (
      workspace_id text not null,
      principal_id text not null,
      route text not null,
      key text not null,
      body_mac text not null,
      resource_id text not null,
      at bigint not null,
      primary key (workspace_id, principal_id, route, key)
    )`,
    'create index idempotency_at on idempotency (at)',
    `create table audit_event (
      id text primary key,
      workspace_id text not null,
      sequence bigint not null,
      at bigint not null,
      action text not null,
      actor_kind text not null,
      actor_id text,
      actor_name text,
      target_kind text,
      target_id text,
      target_name text,
      credential_id text,
      credential_kind text,
      credential_name text,
      address text,
      user_agent text,
      request_id text,
      detail text not null,
      previous_hash text not null,
      hash text not null,
      unique (workspace_id, sequence)
    )`,
    'create index audit_event_action on audit_event (workspace_id, action, sequence)',
    'create index audit_event_actor on audit_event (workspace_id, actor_id, sequence)',
    'create index audit_event_target on audit_event (workspace_id, target_id, sequence)',
    'create index audit_event_credential on audit_event (workspace_id, credential_id, sequence)',
    'create table audit_head (workspace_id text primary key, sequence bigint not null, hash text not null)',
    'create table revocation_counter (id bigint primary key check (id = 1), number bigint not null)',
    'insert into revocation_counter (id, number) values (1, 0)',
    `create table revocation (
      number bigint primary key,
      workspace_id text not null,
      digest ${bytes},
      at bigint not null
    )`,
  ];
}
