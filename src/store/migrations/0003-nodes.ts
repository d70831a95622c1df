/**
 * Nodes that may authorize from their cache: when their lease expires, by the database's clock, and the last
 * revocation that each has confirmed.
 */
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
