import type { Generated } from 'kysely';
import type { ActivityEventTable, ActivityRollupTable } from './schema/activity.ts';
import type { AuditEventTable } from './schema/audit.ts';
import type { BackupKeyTable, BackupTable, RestoreTable, StoredObjectTable } from './schema/backups.ts';
import type {
  CredentialReviewTable,
  CredentialTable,
  CredentialTombstoneTable,
  UsageChunkTable,
} from './schema/credentials.ts';
import type { DeploymentServerTable, DeploymentTable } from './schema/deployments.ts';
import type {
  ErrorEventTable,
  ErrorFacetTable,
  ErrorIssueTable,
  ErrorKeyTable,
  SourceMapTable,
} from './schema/errors.ts';
import type { JobLaneTable, JobTable } from './schema/jobs.ts';
import type { LogChunkTable, LogTable } from './schema/logs.ts';
import type { NoticeMailTable, NoticeTable } from './schema/notices.ts';
import type {
  DeviceCodeTable,
  PasskeyChallengeTable,
  PasskeyTable,
  PersonIdentityTable,
  PersonTable,
  SessionSignInTable,
  SessionTable,
  SingleUseTable,
} from './schema/people.ts';
import type {
  AppTable,
  CommitStatusTable,
  DeployKeyTable,
  EnvChangeTable,
  EnvVersionTable,
  ProjectEnvChangeTable,
  ProjectEnvVersionTable,
  ProjectTable,
  PushSecretTable,
  ServerTable,
} from './schema/resources.ts';
import type { RunTable, ScriptTable, ScriptVersionTable } from './schema/scripts.ts';
import type { WebhookDeliveryTable, WebhookTable } from './schema/webhooks.ts';
import type { WorkloadExchangeTable, WorkloadIdentityTable, WorkloadReplayTable } from './schema/workloads.ts';
import type {
  InvitationTable,
  MemberTable,
  WorkspacePolicyTable,
  WorkspaceSsoTable,
  WorkspaceTable,
} from './schema/workspaces.ts';

/**
 * The tables. IDs are text, timestamps epoch milliseconds, flags 0 or 1, structured values JSON text, digests bytes.
 * Every table with rows of a workspace has `workspace_id`, and every query filters by it, except look-ups by a value
 * that determines the workspace, such as a digest; queries for one person; and work for all workspaces, such as
 * housekeeping, schedules and claiming jobs.
 */
export interface Schema {
  installation: InstallationTable;
  person: PersonTable;
  recovery_code: { person_id: string; digest: Uint8Array };
  session: SessionTable;
  person_identity: PersonIdentityTable;
  session_sign_in: SessionSignInTable;
  single_use: SingleUseTable;
  passkey: PasskeyTable;
  passkey_challenge: PasskeyChallengeTable;
  /** The networks (`clientNetwork`) from which each person has signed in. */
  known_address: { person_id: string; address: string; last_seen_at: number };
  setup_code: { id: number; digest: Uint8Array };
  device_code: DeviceCodeTable;
  password_reset: { digest: Uint8Array; person_id: string; created_at: number; expires_at: number };
  workspace: WorkspaceTable;
  workspace_policy: WorkspacePolicyTable;
  workspace_sso: WorkspaceSsoTable;
  member: MemberTable;
  invitation: InvitationTable;
  credential: CredentialTable;
  /** Number of uses per day (UTC, days since the epoch). */
  credential_day: { credential_id: string; workspace_id: string; day: number; count: number };
  credential_address: {
    credential_id: string;
    workspace_id: string;
    address: string;
    first_seen_at: number;
    last_seen_at: number;
    /** ID of the API key of the guard that last reported the address; null if a Devpilot server last recorded it. */
    reported_by: string | null;
  };
  /** Number of uses that guards reported, by the API key of the guards. */
  credential_report: {
    credential_id: string;
    workspace_id: string;
    key_id: string;
    count: number;
    last_used_at: number;
  };
  /** Number of uses per scope or permission and app; `app_id` is empty for uses that concern no particular app. */
  credential_right: {
    credential_id: string;
    workspace_id: string;
    name: string;
    app_id: string;
    count: number;
    last_used_at: number;
  };
  /** Number of refused requests per day (UTC, days since the epoch) and reason, a `RefusalReason`. */
  credential_refusal: { credential_id: string; workspace_id: string; day: number; reason: string; count: number };
  credential_review: CredentialReviewTable;
  /** The number of the last chunk of uses that was stored for each node. */
  usage_flush: { node_id: string; number: number };
  usage_chunk: UsageChunkTable;
  /**
   * Failed attempts, such as sign-ins. `subject` identifies what they are counted for, such as `sign_in` and the ID of
   * a person, or the client's network; `address` is the client's network (`clientNetwork`).
   */
  failure: { subject: string; address: string; at: number };
  /** One row per subject with failures, locked while a failure is counted; `at` is the last attempt. */
  failure_gate: { subject: string; at: number };
  idempotency: IdempotencyTable;
  audit_event: AuditEventTable;
  /** The sequence number and the hash of the last event of each activity log. */
  audit_head: { workspace_id: string; sequence: number; hash: string };
  /** The leases of Devpilot servers and guards, see `LeaseGrant`; `workspace_id` is null for a server. */
  node: { id: string; confirmed: number; lease_until: number; workspace_id: string | null };
  /** A single row, with ID 1 and the number of the last revocation. */
  revocation_counter: { id: number; number: number };
  /** Revocations of one credential or, if `digest` is null, of all credentials of a workspace. */
  revocation: { number: number; id: string; workspace_id: string; digest: Uint8Array | null; at: number };
  /** Uses of a `QuotaName` in its current window; `period` is the number of windows since the epoch. */
  quota_use: { subject: string; quota: string; period: number; used: number };
  project: ProjectTable;
  server: ServerTable;
  app: AppTable;
  push_secret: PushSecretTable;
  deploy_key: DeployKeyTable;
  commit_status: CommitStatusTable;
  env_version: EnvVersionTable;
  env_change: EnvChangeTable;
  project_env_version: ProjectEnvVersionTable;
  project_env_change: ProjectEnvChangeTable;
  /** The sequence number of the last event of each activity tracker. */
  activity_head: { workspace_id: string; sequence: number };
  activity_event: ActivityEventTable;
  activity_rollup: ActivityRollupTable;
  error_issue: ErrorIssueTable;
  error_event: ErrorEventTable;
  /** Occurrences per day (UTC, days since the epoch). */
  error_day: { issue_id: string; workspace_id: string; day: number; count: number };
  error_facet: ErrorFacetTable;
  error_key: ErrorKeyTable;
  source_map: SourceMapTable;
  job: JobTable;
  job_lane: JobLaneTable;
  /** A single row, with ID 1, locked while a node claims a job. */
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
  backup_key: BackupKeyTable;
  webhook: WebhookTable;
  webhook_delivery: WebhookDeliveryTable;
  notice: NoticeTable;
  notice_mail: NoticeMailTable;
  credential_tombstone: CredentialTombstoneTable;
  workload_identity: WorkloadIdentityTable;
  workload_exchange: WorkloadExchangeTable;
  workload_replay: WorkloadReplayTable;
}

/** A single row, with ID 1. */
export interface InstallationTable {
  id: number;
  store_id: string;
  /** A sealed value that only the correct secret decrypts; null until the store is first opened. */
  secret_check: string | null;
  /** How many times the embedded store has been opened. */
  starts: number;
  /** 1 while the embedded store is closed and its file contains everything that was written. */
  clean: number;
  /** Since when uses per right are counted. */
  rights_counted_since: Generated<number>;
}

/** A used `Idempotency-Key`: an `IdempotencyClaim` and the ID of the resource that its request created. */
export interface IdempotencyTable {
  workspace_id: string;
  principal_id: string;
  route: string;
  key: string;
  body_mac: string;
  resource_id: string;
  at: number;
}
