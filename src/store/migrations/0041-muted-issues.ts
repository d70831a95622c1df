/** When an issue was muted: it is counted and stays muted until somebody changes that. */
export function mutedIssues(): string[] {
  return ['alter table error_issue add column muted_at bigint'];
}
