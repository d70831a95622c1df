/**
 * A credential can refer to the credential that it replaces, which at most one credential can replace. The reference is
 * cleared when the replaced credential is deleted. The constraint is checked at the end of a transaction, because
 * copies insert rows in any order.
 */
export function credentialReplaces(): string[] {
  return [
    `alter table credential add column replaces_id text references credential (id)
      on delete set null deferrable initially deferred`,
    'create unique index credential_replaces on credential (replaces_id) where replaces_id is not null',
  ];
}
