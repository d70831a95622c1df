/** When an issue was muted: it is still counted, and stays muted until a user unmutes it. */
export function mutedIssues(): string[] {
  return ['alter table error_issue add column muted_at bigint'];
}
