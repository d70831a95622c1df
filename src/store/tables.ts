import type { Schema } from './schema.ts';

/** How a table is handled in copies and backups. */
interface TableRole {
  /** Migrations insert rows, which a copy replaces. */
  readonly seeded?: true;
  /** Its rows belong to running processes and are not copied. */
  readonly transient?: true;
}

/**
 * Every table, in the order in which copies and restores insert rows: no table refers to a later one. `copy.test.ts`
 * compares the list with the migrated schema.
 */
export const TABLES: Readonly<Record<keyof Schema, TableRole>> = {
  person: {},
  recovery_code: {},
  session: {},
  person_identity: {},
  session_sign_in: {},
  single_use: {},
  known_address: {},
  setup_code: {},
  device_code: {},
  workspace: {},
  workspace_policy: {},
  workspace_sso: {},
  member: {},
  invitation: {},
  credential: {},
  credential_day: {},
  credential_address: {},
  usage_flush: {},
  failure: {},
  idempotency: {},
  audit_event: {},
  audit_head: {},
  revocation_counter: { seeded: true },
  revocation: {},
  passkey: {},
  passkey_challenge: {},
  node: { transient: true },
  usage_chunk: {},
  project: {},
  server: {},
  app: {},
  push_secret: {},
  deploy_key: {},
  commit_status: {},
  env_version: {},
  env_change: {},
  project_env_version: {},
  project_env_change: {},
  activity_head: {},
  activity_event: {},
  activity_rollup: {},
  error_issue: {},
  error_event: {},
  error_day: {},
  error_facet: {},
  failure_gate: {},
  job: {},
  job_lane: {},
  job_gate: { seeded: true },
  log: {},
  log_chunk: {},
  deployment: {},
  deployment_server: {},
  script: {},
  script_version: {},
  run: {},
  backup: {},
  restore: {},
  stored_object: {},
  backup_key: {},
  quota_use: {},
  credential_report: {},
  credential_right: {},
  credential_refusal: {},
  credential_review: {},
  error_key: {},
  source_map: {},
  password_reset: {},
  installation: {},
  webhook: {},
  webhook_delivery: {},
  notice: {},
  notice_mail: {},
  credential_tombstone: {},
  workload_identity: {},
  workload_exchange: {},
  workload_replay: {},
};

export function listTables(): ({ readonly name: string } & TableRole)[] {
  return Object.entries(TABLES).map(([name, role]) => ({ name, ...role }));
}
