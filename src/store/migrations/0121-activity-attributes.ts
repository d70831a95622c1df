/** The attributes of an activity event that have no separate column: its extensions, and the format of its data. */
export function activityAttributes(): string[] {
  return ['alter table activity_event add column attributes text'];
}
