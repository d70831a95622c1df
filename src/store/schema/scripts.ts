import type { ActorColumns, ResourceColumns } from './columns.ts';

/** The versioned part of a script. */
export interface ScriptContent {
  body: string;
  interpreter: string;
  server_id: string;
  run_as: string | null;
  timeout_seconds: number;
  /** JSON: a `ScriptParameter[]`. */
  parameters: string;
}

export interface ScriptTable extends ResourceColumns, ScriptContent {
  description: string | null;
  app_id: string | null;
  /** Number of the current version. */
  version: number;
  /** Cron expression. */
  schedule: string | null;
  /** The IANA time zone of the schedule. */
  time_zone: string;
  /** What happens if a run is due while another is in progress: a `ScriptOverlap`. */
  overlap: string;
  /** Number of finished runs to keep. */
  keep_runs: number;
  next_run_at: number | null;
}

export interface ScriptVersionTable extends ScriptContent, ActorColumns {
  script_id: string;
  workspace_id: string;
  number: number;
  at: number;
}

export interface RunTable extends ActorColumns {
  id: string;
  workspace_id: string;
  script_id: string;
  script_version: number;
  /** A `WorkStatus`. */
  status: string;
  exit_code: number | null;
  error: string | null;
  /** JSON object of parameter values by name. */
  parameters: string;
  /** When a scheduled run was due; null for other runs. */
  scheduled_for: number | null;
  created_at: number;
  updated_at: number;
  started_at: number | null;
  finished_at: number | null;
}
