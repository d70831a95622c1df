const GUARD_ID = 'A'.repeat(22);

/** Fills the parameters of a route's path, such as `/v1/apps/:app`. The IDs are well-formed, but of no resource. */
export function fillRoutePath(path: string): string {
  return path
    .replace(':version', '1')
    .replace(':guard', GUARD_ID)
    .replace(/:[a-zA-Z]+/g, 'nothing');
}
