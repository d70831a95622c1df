/** Passkeys, and pending challenges. */
export function passkeys(bytes: 'blob' | 'bytea'): string[] {
  return [
    `create table passkey (
      id text primary key,
      person_id text not null references person (id) on delete cascade,
      name text not null,
      credential_id text not null unique,
      public_key ${bytes} not null,
      counter bigint not null,
      transports text not null,
      backed_up bigint not null,
      rp_id text not null,
      created_at bigint not null,
      last_used_at bigint
    )`,
    'create index passkey_person on passkey (person_id, created_at, id)',
    `create table passkey_challenge (
      digest ${bytes} primary key,
      person_id text references person (id) on delete cascade,
      address text not null,
      expires_at bigint not null
    )`,
    'create index passkey_challenge_address on passkey_challenge (address, expires_at)',
    'create index passkey_challenge_expires_at on passkey_challenge (expires_at)',
  ];
}
