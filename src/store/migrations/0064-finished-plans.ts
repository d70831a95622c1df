/**
 * Deletes the plans of finished deployments: they are never read again, and the repository URL in them could contain a
 * token. Credentials in the plans of unfinished deployments are encrypted at the next start.
 */
export function finishedPlans(): string[] {
  return ["update deployment set plan = null where plan is not null and status not in ('pending', 'processing')"];
}
