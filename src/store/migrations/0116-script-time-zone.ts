/**
 * The time zone of a script's schedule, and whether a scheduled run starts while the script is still running. Runs of
 * existing scripts may overlap, as before.
 */
export function scriptTimeZone(): string[] {
  return [
    `alter table script add column time_zone text not null default 'UTC'`,
    `alter table script add column overlap text not null default 'allow'`,
  ];
}
