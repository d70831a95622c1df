/** A group of similar errors. */
export interface ErrorIssueTable {
  id: string;
  workspace_id: string;
  /** SHA-256 in hex of what identifies the issue, see `fingerprintOf`. */
  fingerprint: string;
  title: string;
  type: string;
  /** An `IssueStatus`. */
  status: string;
  /** An `ErrorLevel`. */
  level: string;
  /** Number of occurrences, including those that are not stored. */
  count: number;
  first_seen_at: number;
  last_seen_at: number;
  /** The release, environment and app of the newest occurrence. */
  release: string | null;
  environment: string | null;
  app: string | null;
  resolved_at: number | null;
  /** The release that contains the fix; null if every recurrence reopens the issue. */
  resolved_release: string | null;
  muted_at: number | null;
  /**
   * The ID of the person, credential or error key that sent the first report. Null if an earlier version created the
   * issue.
   */
  sender: string | null;
  /** The minute (minutes since the epoch) in which occurrences were last stored, and how many were stored in it. */
  kept_minute: number;
  kept_count: number;
}

/** A stored occurrence. */
export interface ErrorEventTable {
  id: string;
  workspace_id: string;
  issue_id: string;
  at: number;
  received_at: number;
  /** An `ErrorLevel`. */
  level: string;
  message: string;
  stack: string | null;
  release: string | null;
  environment: string | null;
  app: string | null;
  /** JSON: frames, breadcrumbs, tags. */
  detail: string;
}

/** An error key, which can only submit errors. It is not secret: pages and apps publish it in their DSN. */
export interface ErrorKeyTable {
  id: string;
  workspace_id: string;
  name: string;
  public_key: string;
  app_id: string | null;
  /** JSON array of origins; empty for any origin. */
  allowed_origins: string;
  created_at: number;
}

/** The source map of a minified file. */
export interface SourceMapTable {
  id: string;
  workspace_id: string;
  app_id: string;
  /** A UUID in lower case. */
  debug_id: string;
  file: string;
  /** Size of the stored map in bytes. */
  size: number;
  /** JSON, compressed with gzip. */
  map: Uint8Array;
  created_at: number;
}

/**
 * Number of occurrences of an issue with a release, an environment, an app or an app ID. An issue has at most one app
 * ID.
 */
export interface ErrorFacetTable {
  issue_id: string;
  workspace_id: string;
  /** `release`, `environment`, `app` or `app_id`. */
  kind: string;
  value: string;
  count: number;
  last_seen_at: number;
}
