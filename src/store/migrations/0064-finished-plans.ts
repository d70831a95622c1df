/**
 * Deletes the plans of finished deployments: they are never read again, and the URL of the repository may contain a
 * token. Plans of unfinished deployments are cleaned at the next start.
 */
export function finishedPlans(): string[] {
  return ["update deployment set plan = null where plan is not null and status not in ('pending', 'processing')"];
}
