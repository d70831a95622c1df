/**
 * Unfinished lines of running steps, as JSON. Clients that follow a log see them until the complete lines replace them.
 */
export function logPartial(): string[] {
  return ['alter table log add column partial text'];
}
