/** Who may be judging from memory, until when by the database's clock, and how far each has followed. */
export function nodes(): string[] {
  return [
    `create table node (
      id text primary key,
      confirmed bigint not null,
      lease_until bigint not null
    )`,
    'create index node_lease_until on node (lease_until)',
    'create index revocation_at on revocation (at)',
  ];
}
