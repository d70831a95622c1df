/** Work for a node. A job is run once, unless its kind is resumable or the job has retries. */
export interface JobTable {
  id: string;
  workspace_id: string;
  /** The name of a `JobKind`. */
  kind: string;
  /** The ID of the deployment, run, backup, restore or app that the job is for. */
  resource_id: string;
  /** JSON; its content depends on the kind. */
  payload: string;
  /** `waiting`, `running`, `completed`, `failed` or `cancelled`. */
  status: string;
  /** Earliest start, epoch milliseconds. */
  run_at: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  /** Maximum duration of one attempt in milliseconds. */
  time_limit: number | null;
  /** Incremented whenever a node claims the job. A node that has lost the job can therefore no longer write. */
  attempt: number;
  /** Failures so far, and the maximum number of failures that are retried. */
  failures: number;
  retries: number;
  /** Delay before the first retry in milliseconds; it doubles with each retry. */
  retry_after: number;
  /** Number of nodes that were lost while they ran the job. */
  losses: number;
  /** The ID of the node that runs the job. */
  owner: string | null;
  /** When the owner's lease expires, by the database's clock. */
  lease_until: number | null;
  /** Why the job must end; null if it may continue. */
  cancel: string | null;
  /** Why the job failed or was cancelled, for users. */
  error: string | null;
}

/** A lane of an unfinished job: at most `capacity` jobs run in a lane at a time. */
export interface JobLaneTable {
  job_id: string;
  workspace_id: string;
  /** For example `app:ID`. */
  lane: string;
  capacity: number;
  created_at: number;
  /** 1 while the job counts toward the capacity. */
  held: number;
}
