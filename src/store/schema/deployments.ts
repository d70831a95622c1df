export interface DeploymentTable {
  id: string;
  workspace_id: string;
  app_id: string;
  /** `deploy` or `rollback`. */
  kind: string;
  /** A `WorkStatus`. */
  status: string;
  /** In percent. */
  progress: number;
  branch: string | null;
  /** A pattern until the newest matching tag is known. */
  tag: string | null;
  commit_id: string | null;
  /** 1 if the app currently runs the release of this deployment. */
  live: number;
  /** A `Strategy`. */
  strategy: string;
  batch_size: number;
  pause_seconds: number;
  /**
   * JSON: the health check that replaces the one of the app, or the JSON value `null` for no health check. SQL null if
   * the health check of the app applies.
   */
  health_check: string | null;
  scheduled_at: number | null;
  /** `waiting`, `given`, or null if no approval was requested. */
  approval: string | null;
  /** JSON: an `AuditParty`. */
  approved_by: string | null;
  /** JSON object: the app's settings that the request for the deployment overrode, as shown to users. */
  overrides: string;
  /** JSON array: the names of hooks that are not run. */
  skip_hooks: string;
  /** The ID of the deployment to which a rollback returns. */
  rollback_of: string | null;
  /** JSON array: the outcome of each hook. */
  hooks: string;
  /** JSON: a `DeploymentPlan`, the settings that the deployment uses; null until it starts. */
  plan: string | null;
  /** JSON array: the names of the deployment's environment variables; null until it starts. */
  variables: string | null;
  /** The position of the first server that has not finished. */
  next_server: number;
  /** 1 while a batch is running. A node that starts the job and finds 1 has taken over from a lost node. */
  under_way: number;
  /** `promote` or `abort` once requested. */
  decision: string | null;
  /** The number of the current attempt, starting at 1. */
  attempt: number;
  error: string | null;
  /** An `AuditPartyKind`. */
  created_by_kind: string;
  created_by_id: string | null;
  created_by_name: string | null;
  created_at: number;
  updated_at: number;
  started_at: number | null;
  finished_at: number | null;
}

export interface DeploymentServerTable {
  deployment_id: string;
  workspace_id: string;
  position: number;
  server_id: string;
  /** A `WorkStatus`. */
  status: string;
  /** The target of the `current` link before the deployment, empty if there was no link; null until it is known. */
  previous: string | null;
  /** How many of the steps before the switch to the new release are completed. */
  completed_steps: number;
}
