/** Whether an owner or admin confirmed where a server is and as whom it is signed in to. Servers that exist are confirmed. */
export function serverConfirmed(): string[] {
  return ['alter table server add column confirmed integer not null default 1'];
}
