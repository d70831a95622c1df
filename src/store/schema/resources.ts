import type { ResourceColumns } from './columns.ts';

export interface ProjectTable extends ResourceColumns {
  description: string | null;
}

export interface ServerTable extends ResourceColumns {
  /** A `ServerKind`. */
  kind: string;
  host: string | null;
  port: number | null;
  user_name: string | null;
  /** The pinned host key. */
  host_key: string | null;
  /** The public key with which Devpilot signs in to the server. */
  public_key: string | null;
  /** The private key, sealed for this server. */
  private_key_sealed: string | null;
  /** 0 until an owner or admin confirms its host, port, user and host key. Nothing runs on an unconfirmed server. */
  confirmed: number;
  /** The host key that the last check received instead of the pinned one. */
  offered_host_key: string | null;
}

export interface AppTable extends ResourceColumns {
  project_id: string;
  server_id: string | null;
  /** The URL of the repository, without credentials. */
  repository: string | null;
  repository_user: string | null;
  /** Sealed for this app and the scheme, host and port of its repository. */
  repository_password_sealed: string | null;
  branch: string;
  directory: string | null;
  /** JSON: a `StoredHook[]`. */
  hooks: string;
  keep_releases: number;
  /** JSON: the `healthCheck` of an `App`. */
  health_check: string | null;
  log_command: string | null;
  /** JSON array: the names of environment variables without which the app is not deployed. */
  required_variables: string;
  /** JSON: a `BackupSettings`; null for the default settings. */
  backup: string | null;
  /** JSON: a `PushSettings` that selects the pushes that deploy the app; null if every push to its branch does. */
  push: string | null;
  /** When its next scheduled backup is due. */
  next_backup_at: number | null;
  next_verification_at: number | null;
}

/** The secret with which the Git host of an app signs its requests, sealed for the app. */
export interface PushSecretTable {
  app_id: string;
  workspace_id: string;
  secret_sealed: string;
  replaced_at: number;
}

/** The key pair with which an app's repository is fetched over SSH. */
export interface DeployKeyTable {
  app_id: string;
  workspace_id: string;
  public_key: string;
  /** Sealed for the app. */
  private_key_sealed: string;
  /** The Git host that a person confirmed, and its host key; null before the confirmation. */
  host: string | null;
  port: number | null;
  host_key: string | null;
  created_at: number;
}

/** Where the statuses of an app's commits are reported. */
export interface CommitStatusTable {
  app_id: string;
  workspace_id: string;
  /** A `CommitStatusApi`. */
  kind: string;
  /** The base URL of the Git host's API. */
  url: string;
  /** The host of the repository when the token was set; the token is not used for another host. */
  repository_host: string;
  /** Sealed for the app and the URL. */
  token_sealed: string;
  /** Why the last status could not be reported; null if the Git host accepted it or none was reported. */
  error: string | null;
  updated_at: number;
}

/** One change of an environment, to any number of variables. */
export interface EnvVersionColumns {
  workspace_id: string;
  number: number;
  at: number;
  /** An `AuditPartyKind`. */
  actor_kind: string;
  actor_id: string | null;
  actor_name: string | null;
  /** JSON array: the names of the variables that were set. */
  set_names: string;
  /** JSON array: the names of the variables that were removed. */
  removed_names: string;
  /** The number of the version that was restored; null for other changes. */
  restored_from: number | null;
}

/** The change of one variable in a version. */
export interface EnvChangeColumns {
  workspace_id: string;
  name: string;
  version: number;
  /** The sealed value; null if the version removed the variable. */
  value_sealed: string | null;
  at: number;
}

export type EnvVersionTable = EnvVersionColumns & { app_id: string };
export type EnvChangeTable = EnvChangeColumns & { app_id: string };
export type ProjectEnvVersionTable = EnvVersionColumns & { project_id: string };
export type ProjectEnvChangeTable = EnvChangeColumns & { project_id: string };
