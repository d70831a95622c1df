/** The host key that the last check received instead of the pinned one, until an owner or admin accepts it. */
export function serverHostKeys(): string[] {
  return ['alter table server add column offered_host_key text'];
}
