/**
 * Where, on what and how often a credential may be used, and how an access token was created. The maximum number of
 * uses has columns of its own, because every use of such a credential is one conditional update.
 */
export function credentialRestrictions(): string[] {
  return [
    'alter table credential add column restrictions text',
    'alter table credential add column max_uses bigint',
    'alter table credential add column spent_uses bigint not null default 0',
    'create index credential_limited on credential (workspace_id, kind, created_at, id) where max_uses is not null',
    "alter table credential add column origin text not null default 'person'",
  ];
}
