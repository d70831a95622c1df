export interface DeploymentTable {
  id: string;
  workspace_id: string;
  app_id: string;
  kind: string;
  status: string;
  progress: number;
  branch: string | null;
  /** A pattern until the newest matching tag is known. */
  tag: string | null;
  commit_id: string | null;
  live: number;
  strategy: string;
  batch_size: number;
  pause_seconds: number;
  /**
   * JSON of the health check that overrides the app's, or the JSON value `null` for none; SQL null if the app's
   * applies.
   */
  health_check: string | null;
  scheduled_at: number | null;
  /** `waiting`, `given`, or null if no approval was requested. */
  approval: string | null;
  /** JSON: who approved it. */
  approved_by: string | null;
  /** JSON object: the app's settings that the request for the deployment overrode, as shown to users. */
  overrides: string;
  /** JSON array of names. */
  skip_hooks: string;
  rollback_of: string | null;
  /** JSON array: the outcome of each hook. */
  hooks: string;
  /** JSON: the app's settings when the deployment started, which it follows. */
  plan: string | null;
  /** JSON array: the names of its variables; null until it starts. */
  variables: string | null;
  /** The position of the first server that has not finished. */
  next_server: number;
  /** Whether a batch is running: a node that finds it set has taken over from a lost one. */
  under_way: number;
  /** `promote` or `abort` once requested. */
  decision: string | null;
  /** Number of the attempt, starting at 1. */
  attempt: number;
  error: string | null;
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
  status: string;
  /** The previous target of the `current` link, empty for none; null until it is known. */
  previous: string | null;
  /** How many of the steps before the switch to the new release are completed. */
  completed_steps: number;
}
