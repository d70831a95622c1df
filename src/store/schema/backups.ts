import type { ActorColumns } from './columns.ts';

export interface BackupTable extends ActorColumns {
  id: string;
  workspace_id: string;
  app_id: string;
  app_name: string;
  /** A `BackupKind`. */
  kind: string;
  /** A `WorkStatus`. */
  status: string;
  size_bytes: number | null;
  /** In hex; null until the backup is complete. */
  sha256: string | null;
  error: string | null;
  created_at: number;
  updated_at: number;
  started_at: number | null;
  finished_at: number | null;
  /** When a scheduled backup was due; null for other backups. */
  scheduled_for: number | null;
  /** When it was last verified successfully. */
  verified_at: number | null;
}

/** A restore, or a verification: a restore into a scratch directory. */
export interface RestoreTable extends ActorColumns {
  id: string;
  workspace_id: string;
  backup_id: string;
  /** `restore` or `verification`. */
  purpose: string;
  /** The app that the backup is restored to. */
  app_id: string;
  /** The server that the backup is restored to; null for the app's server. */
  server_id: string | null;
  /**
   * How a verification checked the backup, a `VerificationMethod`; null for a restore and for an unfinished
   * verification.
   */
  method: string | null;
  /** A `WorkStatus`. */
  status: string;
  error: string | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
}

/** A stored backup, possibly incomplete: an object in a data directory or bucket. */
export interface StoredObjectTable {
  /** The ID of the backup. */
  id: string;
  workspace_id: string;
  /** The name of the data directory or bucket, which ends with `#`, followed by the object's name in it. */
  place: string;
  /** The ID of an unfinished multipart upload to the bucket; null if there is none. */
  upload: string | null;
  created_at: number;
  /** The key that encrypts the object; null if an earlier version stored it without encryption. */
  key_id: string | null;
}

/** A key that encrypts backups of a workspace. */
export interface BackupKeyTable {
  id: string;
  workspace_id: string;
  /** The key, sealed with the installation's secret. */
  key_sealed: string;
  created_at: number;
}
