/** The secret prefixes of other systems that a workspace accepts, as a JSON array. */
export function foreignPrefixes(): string[] {
  return [`alter table workspace_policy add column foreign_prefixes text not null default '[]'`];
}
