/**
 * The plan of a deployment that is over is never read again, and its repository's address may hold a token. Those of
 * deployments that are not over are cleaned at the next start.
 */
export function finishedPlans(): string[] {
  return ["update deployment set plan = null where plan is not null and status not in ('pending', 'processing')"];
}
