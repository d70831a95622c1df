/**
 * What a request for a deployment overrode, as JSON. A health check that was overridden before is taken over from its
 * own column, so that what ran can be seen. The plan of a deployment that is over is never read again, and may hold the
 * credentials of a repository.
 */
export function deploymentOverrides(): string[] {
  return [
    "alter table deployment add column overrides text not null default '{}'",
    `update deployment set overrides = '{"healthCheck":' || health_check || '}' where health_check is not null`,
    "update deployment set plan = null where plan is not null and status not in ('pending', 'processing')",
  ];
}
