import type { Generated } from 'kysely';

/**
 * The tables. Ids are TEXT, timestamps epoch milliseconds, flags 0 or 1, structured values JSON text, digests bytes.
 * Every table with rows of a workspace has `workspace_id`, and every query filters by it.
 */
export interface Schema {
  installation: InstallationTable;
  person: PersonTable;
  recovery_code: { person_id: string; digest: Uint8Array };
  session: SessionTable;
  passkey: PasskeyTable;
  passkey_challenge: PasskeyChallengeTable;
  known_address: { person_id: string; address: string; last_seen_at: number };
  setup_code: { id: number; digest: Uint8Array };
  device_code: DeviceCodeTable;
  password_reset: { digest: Uint8Array; person_id: string; created_at: number; expires_at: number };
  workspace: WorkspaceTable;
  workspace_policy: WorkspacePolicyTable;
  member: MemberTable;
  invitation: InvitationTable;
  credential: CredentialTable;
  credential_day: { credential_id: string; workspace_id: string; day: number; count: number };
  credential_address: {
    credential_id: string;
    workspace_id: string;
    address: string;
    first_seen_at: number;
    last_seen_at: number;
    /** Id of the API key of the guard that last reported it; null if Devpilot saw it itself. */
    reported_by: string | null;
  };
  /** Uses that guards reported, by the guard's API key. */
  credential_report: {
    credential_id: string;
    workspace_id: string;
    key_id: string;
    count: number;
    last_used_at: number;
  };
  /** Uses per scope or permission; the app is blank for uses that are about no app in particular. */
  credential_right: {
    credential_id: string;
    workspace_id: string;
    name: string;
    app_id: string;
    count: number;
    last_used_at: number;
  };
  credential_refusal: { credential_id: string; workspace_id: string; day: number; reason: string; count: number };
  usage_flush: { node_id: string; number: number };
  usage_chunk: UsageChunkTable;
  failure: { subject: string; address: string; at: number };
  failure_gate: { subject: string; at: number };
  idempotency: IdempotencyTable;
  audit_event: AuditEventTable;
  audit_head: { workspace_id: string; sequence: number; hash: string };
  node: { id: string; confirmed: number; lease_until: number; workspace_id: string | null };
  revocation_counter: { id: number; number: number };
  revocation: { number: number; id: string; workspace_id: string; digest: Uint8Array | null; at: number };
  quota_use: { subject: string; quota: string; period: number; used: number };
  project: ProjectTable;
  server: ServerTable;
  app: AppTable;
  env_version: EnvVersionTable;
  env_change: EnvChangeTable;
  activity_head: { workspace_id: string; sequence: number };
  activity_event: ActivityEventTable;
  activity_rollup: ActivityRollupTable;
  error_issue: ErrorIssueTable;
  error_event: ErrorEventTable;
  error_day: { issue_id: string; workspace_id: string; day: number; count: number };
  error_facet: ErrorFacetTable;
  error_key: ErrorKeyTable;
  job: JobTable;
  job_lane: JobLaneTable;
  job_gate: { id: number };
  log: LogTable;
  deployment: DeploymentTable;
  deployment_server: DeploymentServerTable;
  log_chunk: LogChunkTable;
  script: ScriptTable;
  script_version: ScriptVersionTable;
  run: RunTable;
  backup: BackupTable;
  restore: RestoreTable;
  stored_object: StoredObjectTable;
}

/** A single row, with id 1. */
export interface InstallationTable {
  id: number;
  store_id: string;
  /** A sealed value that only the right secret decrypts; null until the store was first opened. */
  secret_check: string | null;
  starts: number;
  clean: number;
  /** Since when uses per right are counted, epoch milliseconds. */
  rights_counted_since: Generated<number>;
}

export interface PersonTable {
  id: string;
  name: string;
  email: string;
  /** The email address normalized for comparison: NFC, lower case. */
  email_key: string;
  password_hash: string;
  /** The sealed TOTP key, including one that is not confirmed yet. */
  totp_sealed: string | null;
  totp_enabled: Generated<number>;
  /** The last accepted time step, so that each code works once. */
  totp_last_step: Generated<number>;
  last_workspace_id: string | null;
  /** 1: administers the installation. */
  operator: Generated<number>;
  /** 1: cannot sign in. */
  disabled: Generated<number>;
  /** When all access of the person was last ended: device codes from before cannot be approved. */
  access_ended_at: Generated<number>;
  created_at: number;
  updated_at: number;
}

export interface SessionTable {
  id: string;
  person_id: string;
  digest: Uint8Array;
  kind: string;
  address: string | null;
  user_agent: string | null;
  created_at: number;
  last_used_at: number;
  /** When it ends regardless of use. */
  ends_at: number;
}

export interface PasskeyTable {
  id: string;
  person_id: string;
  name: string;
  /** The authenticator's credential id, base64url. */
  credential_id: string;
  public_key: Uint8Array;
  /** The authenticator's signature counter; 0 for authenticators without one. */
  counter: number;
  /** JSON array. */
  transports: string;
  backed_up: number;
  /** The host name it was registered for (WebAuthn RP ID); it works on no other. */
  rp_id: string;
  created_at: number;
  last_used_at: number | null;
}

export interface PasskeyChallengeTable {
  digest: Uint8Array;
  /** The person adding a passkey; null for a sign-in. */
  person_id: string | null;
  address: string;
  expires_at: number;
}

export interface DeviceCodeTable {
  id: string;
  device_digest: Uint8Array;
  user_code: string;
  client: string;
  address: string | null;
  person_id: string | null;
  status: string;
  last_polled_at: number;
  created_at: number;
  expires_at: number;
}

export interface WorkspaceTable {
  id: string;
  name: string;
  slug: string;
  created_at: number;
  updated_at: number;
}

export interface MemberTable {
  id: string;
  workspace_id: string;
  person_id: string;
  role: string;
  created_at: number;
}

export interface InvitationTable {
  id: string;
  workspace_id: string;
  email: string;
  email_key: string;
  role: string;
  digest: Uint8Array;
  created_by: string;
  created_at: number;
  expires_at: number;
}

export interface WorkspacePolicyTable {
  workspace_id: string;
  max_lifetime_days: number | null;
  binds_existing_from: number | null;
  /** JSON array of scopes. */
  passphrase_scopes: string;
  allow_all: number;
  require_addresses: number;
  require_two_factor: number;
  created_by: string;
  unused_after_days: number;
  on_leak: string;
}

export interface CredentialTable {
  id: string;
  workspace_id: string;
  kind: string;
  name: string;
  /** The name in lower case, for searching and sorting. */
  name_key: string;
  description: string | null;
  /** JSON array of scopes or permissions. */
  rights: string;
  passphrase_hash: string | null;
  active: number;
  /** 1 for an API key that may run guards. */
  guard: Generated<number>;
  digest: Uint8Array;
  hint: string;
  expires_at: number | null;
  created_at: number;
  updated_at: number;
  /** Null if the account was deleted. */
  created_by: string | null;
  last_used_at: number | null;
  use_count: Generated<number>;
  /** The credential that this one replaces; null if none or once that one is deleted. */
  replaces_id: string | null;
  /**
   * The expiry without the policy, `NEVER_EXPIRES` for never, while the policy ends the credential earlier; null while
   * `expires_at` is the chosen expiry.
   */
  unbound_expires_at: number | null;
  /** One bit per violated rule of the policy, by its position in `CREDENTIAL_RULES`. */
  policy_violations: Generated<number>;
  /** JSON of addresses, projects, apps and rate; null if none of them is restricted. */
  restrictions: string | null;
  /** Null if it may be used any number of times. */
  max_uses: number | null;
  /** Number of uses since `max_uses` was set. */
  spent_uses: Generated<number>;
  /** How an access token was created; `person` for an API key. */
  origin: Generated<string>;
}

/** Reported uses that have not been added to the credentials yet. */
export interface UsageChunkTable {
  node_id: string;
  number: number;
  /** Number of credentials in it. */
  size: number;
  uses: string;
}

export interface IdempotencyTable {
  workspace_id: string;
  principal_id: string;
  route: string;
  key: string;
  body_mac: string;
  resource_id: string;
  at: number;
}

export interface AuditEventTable {
  id: string;
  workspace_id: string;
  sequence: number;
  at: number;
  action: string;
  actor_kind: string;
  actor_id: string | null;
  actor_name: string | null;
  target_kind: string | null;
  target_id: string | null;
  target_name: string | null;
  credential_id: string | null;
  credential_kind: string | null;
  credential_name: string | null;
  address: string | null;
  user_agent: string | null;
  request_id: string | null;
  detail: string;
  previous_hash: string;
  hash: string;
}

interface ResourceColumns {
  id: string;
  workspace_id: string;
  name: string;
  /** The name in lower case, for searching and sorting. */
  name_key: string;
  slug: string;
  created_at: number;
  updated_at: number;
}

export interface ProjectTable extends ResourceColumns {
  description: string | null;
}

export interface ServerTable extends ResourceColumns {
  kind: string;
  host: string | null;
  port: number | null;
  user_name: string | null;
  host_key: string | null;
  public_key: string | null;
  /** The private key, sealed for this row. */
  private_key_sealed: string | null;
  /** 0 until an owner or admin confirms its host, port, user and host key; until then nothing runs on it. */
  confirmed: number;
}

export interface AppTable extends ResourceColumns {
  project_id: string;
  server_id: string | null;
  /** Without credentials. */
  repository: string | null;
  repository_user: string | null;
  /** Sealed for this app and the scheme, host and port of its repository. */
  repository_password_sealed: string | null;
  branch: string;
  directory: string | null;
  /** JSON array. */
  hooks: string;
  keep_releases: number;
  /** JSON object. */
  health_check: string | null;
  log_command: string | null;
  /** JSON object. */
  backup: string | null;
  /** When its next scheduled backup is due. */
  next_backup_at: number | null;
}

/** One change of an app's environment, to any number of variables. */
export interface EnvVersionTable {
  app_id: string;
  workspace_id: string;
  number: number;
  at: number;
  actor_kind: string;
  actor_id: string | null;
  actor_name: string | null;
  /** JSON arrays of names. */
  set_names: string;
  removed_names: string;
  restored_from: number | null;
}

/** The change of one variable in a version. */
export interface EnvChangeTable {
  app_id: string;
  workspace_id: string;
  name: string;
  version: number;
  /** The sealed value; null if the version removed the variable. */
  value_sealed: string | null;
  at: number;
}

/** An event of the activity tracker (CloudEvents 1.0); its sender chooses `id` and `source`. */
export interface ActivityEventTable {
  workspace_id: string;
  source: string;
  id: string;
  /** Increases within the workspace, with gaps. */
  sequence: number;
  type: string;
  subject: string | null;
  at: number;
  /** JSON. */
  data: string | null;
  received_at: number;
}

/** Number of events in one step of an interval, by type, source or subject. */
export interface ActivityRollupTable {
  workspace_id: string;
  grain: string;
  dimension: string;
  at: number;
  key: string;
  count: number;
  /** Number of distinct subjects, estimated by the sketch. */
  subjects: number;
  sketch: string | null;
}

/** A group of similar errors. */
export interface ErrorIssueTable {
  id: string;
  workspace_id: string;
  fingerprint: string;
  title: string;
  type: string;
  status: string;
  level: string;
  count: number;
  first_seen_at: number;
  last_seen_at: number;
  /** The release, environment and app of the newest occurrence. */
  release: string | null;
  environment: string | null;
  app: string | null;
  resolved_at: number | null;
  muted_at: number | null;
  /** Who sent its first report: the id of a person or a credential. Null for issues of earlier versions. */
  sender: string | null;
  /** The minute in which occurrences were last stored, and how many were stored in it. */
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
  level: string;
  message: string;
  stack: string | null;
  release: string | null;
  environment: string | null;
  app: string | null;
  /** JSON: frames, breadcrumbs, tags. */
  detail: string;
}

/** A public key that can only submit errors. */
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

/** How often an issue was seen with one release, environment or app. */
export interface ErrorFacetTable {
  issue_id: string;
  workspace_id: string;
  kind: string;
  value: string;
  count: number;
  last_seen_at: number;
}

/** Work for a node: run once, unless its kind is resumable or it has retries. */
export interface JobTable {
  id: string;
  workspace_id: string;
  kind: string;
  /** The id of the deployment, run or backup that it performs. */
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
  /** Failures so far, and how many are retried. */
  failures: number;
  retries: number;
  retry_after: number;
  /** How many nodes were lost while running it. */
  losses: number;
  owner: string | null;
  /** When the lease expires, by the database's clock. */
  lease_until: number | null;
  /** Why it must end; null while it need not. */
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

/** The output of a deployment, run or other work. */
export interface LogTable {
  id: string;
  workspace_id: string;
  lines: number;
  /** Number of characters of all lines. */
  size: number;
  created_at: number;
  closed_at: number | null;
}

/** Consecutive lines, compressed. */
export interface LogChunkTable {
  log_id: string;
  workspace_id: string;
  first_line: number;
  lines: number;
  data: Uint8Array;
}

/** The versioned part of a script. */
export interface ScriptContent {
  body: string;
  interpreter: string;
  server_id: string;
  run_as: string | null;
  timeout_seconds: number;
  /** JSON array. */
  parameters: string;
}

export interface ScriptTable extends ResourceColumns, ScriptContent {
  description: string | null;
  /** The number of the version with its current content. */
  version: number;
  schedule: string | null;
  next_run_at: number | null;
}

interface ActorColumns {
  actor_kind: string;
  actor_id: string | null;
  actor_name: string | null;
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
  status: string;
  exit_code: number | null;
  error: string | null;
  /** JSON object. */
  parameters: string;
  scheduled_for: number | null;
  created_at: number;
  updated_at: number;
  started_at: number | null;
  finished_at: number | null;
}

export interface BackupTable extends ActorColumns {
  id: string;
  workspace_id: string;
  app_id: string;
  app_name: string;
  kind: string;
  status: string;
  size_bytes: number | null;
  /** In hex; null until the backup is complete. */
  sha256: string | null;
  error: string | null;
  created_at: number;
  updated_at: number;
  started_at: number | null;
  finished_at: number | null;
  scheduled_for: number | null;
}

export interface RestoreTable extends ActorColumns {
  id: string;
  workspace_id: string;
  backup_id: string;
  app_id: string;
  status: string;
  error: string | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
}

/** An object in a data directory or bucket that is a backup, or was to become one. */
export interface StoredObjectTable {
  /** The id of the backup. */
  id: string;
  workspace_id: string;
  /** The data directory or bucket, and the object's name in it. */
  place: string;
  /** The bucket's id of an unfinished multipart upload. */
  upload: string | null;
  created_at: number;
}

export interface DeploymentTable {
  id: string;
  workspace_id: string;
  app_id: string;
  kind: string;
  status: string;
  progress: number;
  branch: string | null;
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
  /** JSON object: the fields that its request overrode, as shown to users. */
  overrides: string;
  /** JSON array of names. */
  skip_hooks: string;
  rollback_of: string | null;
  /** JSON array: the outcome of each hook. */
  hooks: string;
  /** JSON: the app's settings when the deployment started, which it follows. */
  plan: string | null;
  /** The position of the first server that is not finished. */
  next_server: number;
  /** Whether a batch is running: a node that finds it set has taken over from a lost one. */
  under_way: number;
  /** `promote` or `abort` once requested. */
  decision: string | null;
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
}
