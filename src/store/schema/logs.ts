/** The output of a deployment, run or other work. */
export interface LogTable {
  id: string;
  workspace_id: string;
  lines: number;
  /** Number of characters of all lines. */
  size: number;
  created_at: number;
  closed_at: number | null;
  /** JSON array of unfinished lines. */
  partial: string | null;
}

/** Consecutive lines, compressed. */
export interface LogChunkTable {
  log_id: string;
  workspace_id: string;
  first_line: number;
  lines: number;
  data: Uint8Array;
}
