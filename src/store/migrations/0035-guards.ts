/** Guards are nodes that authorize for one workspace; the row of a server has no workspace. */
export function guards(): string[] {
  return [
    'alter table node add column workspace_id text',
    'create index node_workspace on node (workspace_id, lease_until)',
    'create index revocation_workspace on revocation (workspace_id, number)',
  ];
}
