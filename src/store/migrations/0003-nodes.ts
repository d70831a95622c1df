/**
 * Nodes that may authorize from their cache, when their leases expire (by the database's clock), and the last
 * revocation that each node has confirmed.
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
