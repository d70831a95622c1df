/** The release that contains the fix of a resolved issue. */
export function resolvedRelease(): string[] {
  return ['alter table error_issue add column resolved_release text'];
}
