/**
 * Accounts at the OpenID Connect provider, and how sessions were started with them. A code of `single_use` works once
 * on all nodes: a started sign-in that waits for a second factor (its content is encrypted), or a token that was used.
 */
export function singleSignOn(): string[] {
  return [
    `create table person_identity (
      id text primary key,
      person_id text not null references person (id) on delete cascade,
      issuer text not null,
      subject text not null,
      email text,
      created_at bigint not null,
      last_used_at bigint not null,
      unique (issuer, subject)
    )`,
    'create index person_identity_person on person_identity (person_id)',
    `create table session_sign_in (
      session_id text primary key references session (id) on delete cascade,
      identity_id text references person_identity (id) on delete cascade,
      provider_session text,
      multi_factor bigint not null,
      fresh_until bigint not null,
      refresh_token_sealed text,
      checked_at bigint not null
    )`,
    'create index session_sign_in_identity on session_sign_in (identity_id)',
    'create index session_sign_in_due on session_sign_in (checked_at) where refresh_token_sealed is not null',
    `create table single_use (
      key text primary key,
      content text,
      expires_at bigint not null
    )`,
    'alter table device_code add column session_id text',
  ];
}
