/**
 * The app's settings that the request for a deployment overrode, as JSON. Existing overrides of the health check are
 * copied from their separate column, so that they stay visible. The plan of a finished deployment is deleted: it is
 * never read again and could contain the credentials of a repository.
 */
export function deploymentOverrides(): string[] {
  return [
    "alter table deployment add column overrides text not null default '{}'",
    `update deployment set overrides = '{"healthCheck":' || health_check || '}' where health_check is not null`,
    "update deployment set plan = null where plan is not null and status not in ('pending', 'processing')",
  ];
}
