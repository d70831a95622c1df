/** The output of a deployment, run or other work. */
export interface LogTable {
  id: string;
  workspace_id: string;
  lines: number;
  /** Number of characters of all lines. */
  size: number;
  created_at: number;
  closed_at: number | null;
  /** JSON: a `LogLine[]`, the unfinished last line of each output; null if there are none. */
  partial: string | null;
}

/** Consecutive lines of a log. */
export interface LogChunkTable {
  log_id: string;
  workspace_id: string;
  first_line: number;
  lines: number;
  /** NDJSON, one `LogLine` per line, compressed. */
  data: Uint8Array;
}
