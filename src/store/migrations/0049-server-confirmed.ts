/** Whether an owner or admin confirmed the address and user of a server. Existing servers count as confirmed. */
export function serverConfirmed(): string[] {
  return ['alter table server add column confirmed integer not null default 1'];
}
