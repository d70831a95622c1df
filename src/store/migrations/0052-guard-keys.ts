/**
 * Only API keys with the `guard` flag may run guards. Keys whose guards have reported uses or have a lease get the
 * flag; otherwise, their guards would refuse every request. Uses reported by a guard refer to its key: a guard's node
 * ID is the ID of its key, a dot and 22 random characters.
 */
export function guardKeys(): string[] {
  const keyIn = (column: string) => `substr(${column}, 1, length(${column}) - 23)`;
  return [
    'alter table credential add column guard bigint not null default 0',
    `update credential set guard = 1 where kind = 'api_key' and id in (
      select ${keyIn('node_id')} from usage_flush where node_id like '%.%'
      union select ${keyIn('id')} from node where id like '%.%')`,
    'alter table credential_address add column reported_by text',
    `create table credential_report (
      credential_id text not null references credential (id) on delete cascade,
      workspace_id text not null,
      key_id text not null,
      count bigint not null,
      last_used_at bigint not null,
      primary key (credential_id, key_id)
    )`,
  ];
}
