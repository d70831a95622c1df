const GUARD_ID = 'A'.repeat(22);

/** Replaces the parameters of a route's path, such as `/v1/apps/:app`, by valid values that identify no resource. */
export function fillRoutePath(path: string): string {
  return path
    .replace(':version', '1')
    .replace(':guard', GUARD_ID)
    .replace(/:[a-zA-Z]+/g, 'nothing');
}
