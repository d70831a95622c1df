/** Lines of running steps that have no end yet, as JSON: shown to followers and replaced by the complete lines. */
export function logPartial(): string[] {
  return ['alter table log add column partial text'];
}
