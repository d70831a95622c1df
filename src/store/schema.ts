import type { Generated } from 'kysely';

/**
 * The tables. TEXT ids, instants as epoch milliseconds, 0/1 flags, JSON as text, digests as bytes.
 * Every table of a workspace's own rows carries `workspace_id`, and every query names it.
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
    /** Id of the API key of the guard that reported it last; null where Devpilot saw it itself. */
    reported_by: string | null;
  };
  /** Uses that guards reported, by the API key of the guard. */
  credential_report: {
    credential_id: string;
    workspace_id: string;
    key_id: string;
    count: number;
    last_used_at: number;
  };
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

/** One row, whose id is 1. */
export interface InstallationTable {
  id: number;
  store_id: string;
  /** What opens under the right secret; null until it was first opened. */
  secret_check: string | null;
  starts: number;
  clean: number;
}

export interface PersonTable {
  id: string;
  name: string;
  email: string;
  /** The address as it is compared: NFC, lower case. */
  email_key: string;
  password_hash: string;
  /** The TOTP key, sealed; pending until confirmed. */
  totp_sealed: string | null;
  totp_enabled: Generated<number>;
  /** The last time step that was accepted: a code works once. */
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
  /** When it ends however much it is used. */
  ends_at: number;
}

export interface PasskeyTable {
  id: string;
  person_id: string;
  name: string;
  /** The authenticator's own id of it, base64url. */
  credential_id: string;
  public_key: Uint8Array;
  /** The authenticator's sign counter; 0 for those that keep none. */
  counter: number;
  /** JSON array. */
  transports: string;
  backed_up: number;
  /** The host name that it was made for; it works at no other. */
  rp_id: string;
  created_at: number;
  last_used_at: number | null;
}

export interface PasskeyChallengeTable {
  digest: Uint8Array;
  /** Who adds a passkey; null where someone signs in. */
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

export interface CredentialTable {
  id: string;
  workspace_id: string;
  kind: string;
  name: string;
  /** The name as it is searched and sorted: lower case. */
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
  /** Null where the account was deleted. */
  created_by: string | null;
  last_used_at: number | null;
  use_count: Generated<number>;
}

export interface UsageChunkTable {
  node_id: string;
  number: number;
  /** Credentials named. */
  size: number;
  uses: string;
}

/** Uses as they were counted, until they are folded into the credentials. */
export interface UsageChunkTable {
  node_id: string;
  number: number;
  /** Credentials named. */
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
  /** The name as it is searched and sorted: lower case. */
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
  /** 0 until an owner or admin confirms its host, port, user and host key: nothing runs on it before. */
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
  /** When the schedule of its backups is due. */
  next_backup_at: number | null;
}

/** One change of an app's environment, of any number of variables. */
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

/** What a version made of one variable. */
export interface EnvChangeTable {
  app_id: string;
  workspace_id: string;
  name: string;
  version: number;
  /** The value, sealed for this row; null where the version removed it. */
  value_sealed: string | null;
  at: number;
}

/** An event of the activity tracker (CloudEvents 1.0); `id` and `source` are its sender's. */
export interface ActivityEventTable {
  workspace_id: string;
  source: string;
  id: string;
  /** Counts up within the workspace, with gaps. */
  sequence: number;
  type: string;
  subject: string | null;
  at: number;
  /** JSON. */
  data: string | null;
  received_at: number;
}

/** How many events there were in one step of an interval, by one type, source or subject. */
export interface ActivityRollupTable {
  workspace_id: string;
  grain: string;
  dimension: string;
  at: number;
  key: string;
  count: number;
  /** Distinct subjects, as the sketch says. */
  subjects: number;
  sketch: string | null;
}

/** What errors that are alike are gathered in. */
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
  /** Those of the newest occurrence. */
  release: string | null;
  environment: string | null;
  app: string | null;
  resolved_at: number | null;
  muted_at: number | null;
  /** Who sent its first report: the id of a person or a credential. Null for those of earlier versions. */
  sender: string | null;
  /** The minute in which occurrences were last kept, and how many in it. */
  kept_minute: number;
  kept_count: number;
}

/** An occurrence that was kept. */
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

/** How often an issue was seen with one release, environment or app. */
export interface ErrorKeyTable {
  id: string;
  workspace_id: string;
  name: string;
  public_key: string;
  app_id: string | null;
  /** JSON array of origins; empty for any. */
  allowed_origins: string;
  created_at: number;
}

export interface ErrorFacetTable {
  issue_id: string;
  workspace_id: string;
  kind: string;
  value: string;
  count: number;
  last_seen_at: number;
}

/** Work that a node takes up: once, unless its kind says otherwise. */
export interface JobTable {
  id: string;
  workspace_id: string;
  kind: string;
  /** What it is about: the id of a deployment, a run, a backup. */
  resource_id: string;
  /** JSON. */
  payload: string;
  status: string;
  /** Not before this. */
  run_at: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  /** Milliseconds that one try may take. */
  time_limit: number | null;
  /** Counts up whenever a node takes it, so that one which lost it can write nothing any more. */
  attempt: number;
  /** Failures that were borne, and how many are. */
  failures: number;
  retries: number;
  retry_after: number;
  /** How often a node was lost that had it. */
  losses: number;
  owner: string | null;
  /** By the database's clock. */
  lease_until: number | null;
  /** Why it is to end; null while it is not. */
  cancel: string | null;
  error: string | null;
}

/** What a job that is not over takes a place in: at most `capacity` may run in a lane at a time. */
export interface JobLaneTable {
  job_id: string;
  workspace_id: string;
  lane: string;
  capacity: number;
  created_at: number;
  /** Whether the job holds its place. */
  held: number;
}

/** What was said while something ran. */
export interface LogTable {
  id: string;
  workspace_id: string;
  lines: number;
  /** Characters of all lines. */
  size: number;
  created_at: number;
  closed_at: number | null;
}

/** Some lines in a row, compressed. */
export interface LogChunkTable {
  log_id: string;
  workspace_id: string;
  first_line: number;
  lines: number;
  data: Uint8Array;
}

/** What a version keeps of a script. */
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
  /** Of its content. */
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
  /** In hex; null until the backup is whole. */
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

/** Something in the data directory or a bucket that is, or was to become, a backup. */
export interface StoredObjectTable {
  /** That of the backup. */
  id: string;
  workspace_id: string;
  /** Which data directory or bucket, and the name in it. */
  place: string;
  /** The bucket's name for an upload in parts that is not done. */
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
  /** JSON of the health check instead of the app's; `null` in it for none; null where the app's own holds. */
  health_check: string | null;
  scheduled_at: number | null;
  /** `waiting`, `given`, or null where none was asked for. */
  approval: string | null;
  /** JSON: who gave it. */
  approved_by: string | null;
  /** JSON object: the fields that the request for it overrode, as they are shown. */
  overrides: string;
  /** JSON array of names. */
  skip_hooks: string;
  rollback_of: string | null;
  /** JSON array: what became of each hook. */
  hooks: string;
  /** JSON: what it works by, as the app was when it began. */
  plan: string | null;
  /** Servers before this one are done. */
  next_server: number;
  /** Whether a batch is under way: a node that finds it so has taken over from one that is gone. */
  under_way: number;
  /** `promote` or `abort`, once somebody said so. */
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
  /** What `current` led to before, empty for nothing; null until that is known. */
  previous: string | null;
}
