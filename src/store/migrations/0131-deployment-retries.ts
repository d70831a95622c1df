/** Retries of failed deployments: the attempt, and how many steps before the switch each server has completed. */
export function deploymentRetries(): string[] {
  return [
    'alter table deployment add column attempt integer not null default 1',
    'alter table deployment_server add column completed_steps integer not null default 0',
  ];
}
