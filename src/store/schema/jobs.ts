/** Work for a node. It is run once, unless its kind is resumable or it has retries. */
export interface JobTable {
  id: string;
  workspace_id: string;
  kind: string;
  /** The ID of the deployment, run or backup that it performs. */
  resource_id: string;
  /** JSON. */
  payload: string;
  status: string;
  /** Earliest start, epoch milliseconds. */
  run_at: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  /** Maximum duration of one attempt in milliseconds. */
  time_limit: number | null;
  /** Incremented whenever a node claims it, so that a node which lost it can no longer write. */
  attempt: number;
  /** Failures so far, and the maximum number of failures that are retried. */
  failures: number;
  retries: number;
  retry_after: number;
  /** Number of nodes that were lost while running it. */
  losses: number;
  owner: string | null;
  /** When the lease expires, by the database's clock. */
  lease_until: number | null;
  /** Why the job must end; null if it may continue. */
  cancel: string | null;
  error: string | null;
}

/** A lane of an unfinished job: at most `capacity` jobs run in a lane at a time. */
export interface JobLaneTable {
  job_id: string;
  workspace_id: string;
  lane: string;
  capacity: number;
  created_at: number;
  /** Whether the job occupies capacity of the lane. */
  held: number;
}
