/** The attributes of an activity event besides those with a column: its extensions, and how its data is to be read. */
export function activityAttributes(): string[] {
  return ['alter table activity_event add column attributes text'];
}
