/**
 * A credential may name the one that it replaces, which no other may name as well. The link ends with the replaced
 * credential. The constraint is checked at the end of a transaction, because copies insert rows in any order.
 */
export function credentialReplaces(): string[] {
  return [
    `alter table credential add column replaces_id text references credential (id)
      on delete set null deferrable initially deferred`,
    'create unique index credential_replaces on credential (replaces_id) where replaces_id is not null',
  ];
}
