import { DAY, HOUR, MINUTE } from './limits.ts';

/**
 * The vocabulary of the contract: every name that clients may rely on. Limits are in `limits.ts`, error codes in
 * `error-codes.ts`. None of the three imports a library, so that the server, the web UI, the CLI and the SDK can
 * share them.
 */

export const SCOPES = [
  'all',
  'basic_deployment',
  'advanced_deployment',
  'activity_tracker',
  'activity_tracker_analytics',
  'error_tracker',
  'modify_env',
  'run_scripts',
] as const;
/** A scope of an access token. */
export type Scope = (typeof SCOPES)[number];

export const PERMISSIONS = [
  'read',
  'write',
  'delete',
  'deploy',
  'manage_servers',
  'manage_projects',
  'manage_apps',
  'view_logs',
  'manage_backups',
] as const;
/** A permission of an API key. */
export type Permission = (typeof PERMISSIONS)[number];

export const SCOPE_DESCRIPTIONS: Readonly<Record<Scope, string>> = {
  all: 'Grants every access-token capability.',
  basic_deployment: 'Trigger and manage basic deployments.',
  advanced_deployment: 'Perform advanced deployment workflows.',
  activity_tracker: "Submit activity events to the workspace's activity tracker.",
  activity_tracker_analytics: 'Read activity-tracker analytics.',
  error_tracker: 'Submit and read error-tracker events.',
  modify_env: 'Read and modify environment variables for apps.',
  run_scripts: 'Execute configured automation scripts.',
};

export const PERMISSION_DESCRIPTIONS: Readonly<Record<Permission, string>> = {
  read: 'Read workspace resources and metadata.',
  write: 'Create and modify workspace resources.',
  delete: 'Delete workspace resources.',
  deploy: 'Trigger deployments.',
  manage_servers: 'Full management of servers.',
  manage_projects: 'Full management of projects.',
  manage_apps: 'Full management of apps.',
  view_logs: 'Read deployment and application logs.',
  manage_backups: 'Create, restore, and delete backups.',
};

/** What rights imply beyond their descriptions; shown where they are selected. */
export const RIGHT_IMPLICATIONS: Readonly<Partial<Record<Scope | Permission, string>>> = {
  all: 'Includes modify_env and run_scripts: it can read every variable and run the configured scripts.',
  modify_env: 'Can read the value of every variable, and set the variables that apps start with.',
  write:
    'Controls the code on your servers: changing an app, a server or a script is enough to run code there and read every variable.',
  manage_apps:
    'Controls the code on your servers: changing an app, its repository or its hooks is enough to run code there and read its variables.',
  manage_servers:
    'Controls where apps run: once an owner or admin has confirmed a server that it created or changed, apps and their variables are sent to that machine.',
  manage_backups: "Restoring replaces an app's data with that of the backup.",
};

/** Returns the description of a right, including what it implies. */
export function describeRight(right: Scope | Permission): string {
  const meaning = { ...SCOPE_DESCRIPTIONS, ...PERMISSION_DESCRIPTIONS }[right];
  const reach = RIGHT_IMPLICATIONS[right];
  return reach === undefined ? meaning : `${meaning} ${reach}`;
}

/** The API key flag that is not a permission. */
export const GUARD_DESCRIPTION =
  "Whether it may run guards (with the permission read): a guard authorizes the workspace's credentials in another process and reports their uses.";

export const CREDENTIAL_KINDS = ['access_token', 'api_key'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

export const ROLES = ['owner', 'admin', 'member'] as const;
export type Role = (typeof ROLES)[number];
/** Roles that can be assigned; ownership can only be transferred. */
export const ASSIGNABLE_ROLES = ['admin', 'member'] as const;
export type AssignableRole = (typeof ASSIGNABLE_ROLES)[number];

export const ACCESS_TOKEN_STATUSES = ['active', 'expired', 'spent'] as const;
export const API_KEY_STATUSES = ['active', 'inactive', 'expired', 'spent'] as const;
export type AccessTokenStatus = (typeof ACCESS_TOKEN_STATUSES)[number];
export type ApiKeyStatus = (typeof API_KEY_STATUSES)[number];

/** The rules of a policy that a stored credential can violate. The position of a rule is its bit in the store. */
export const CREDENTIAL_RULES = ['maxLifetimeDays', 'passphraseScopes', 'allowAll', 'requireAddresses'] as const;
export type CredentialRule = (typeof CREDENTIAL_RULES)[number];
/** Who may create credentials under a policy. */
export const POLICY_CREATORS = ['admins', 'owner'] as const;
/** What a policy does to a leaked credential. */
export const POLICY_LEAK_RESPONSES = ['delete', 'notify'] as const;
/** Whether a reported secret is one of this server, in the words of GitHub's secret scanning. */
export const LEAK_LABELS = ['true_positive', 'false_positive'] as const;

/** Why a credential should be reviewed. The position of a reason is its bit in the store. */
export const REVIEW_REASONS = [
  'unused',
  'never_used',
  'never_expires',
  'holds_all',
  'broader_than_used',
  'no_passphrase',
  'creator_left',
  'violates_policy',
  'expiring',
  'expired',
] as const;
export type ReviewReason = (typeof REVIEW_REASONS)[number];
/** What can be decided on a reviewed credential, besides replacing or deleting it. */
export const REVIEW_DECISIONS = ['keep'] as const;

/** The steps of a decision on a known secret, in the order of the contract (section 5). */
export const DECISION_STEPS = [
  'passphrase',
  'active',
  'expiry',
  'uses',
  'address',
  'kind',
  'rights',
  'resource',
  'rate',
] as const;
export type DecisionStep = (typeof DECISION_STEPS)[number];

/** How an access token was created. */
export const ACCESS_TOKEN_ORIGINS = ['person', 'workload', 'exchange'] as const;
export type AccessTokenOrigin = (typeof ACCESS_TOKEN_ORIGINS)[number];

export const CREDENTIAL_SORTS = ['createdAt', 'name', 'expiresAt', 'lastUsedAt', 'useCount'] as const;
export type CredentialSort = (typeof CREDENTIAL_SORTS)[number];

/** The prefix of each kind of secret. */
export const SECRET_PREFIXES = {
  access_token: 'workspace_token_',
  api_key: 'dp_',
  session: 'devpilot_session_',
} as const;
export type SecretKind = keyof typeof SECRET_PREFIXES;
/** The base62 alphabet, in the order used by the checksum. */
export const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Number of random base62 characters in a secret; they carry 238 bits (ASVS 11.5.1). */
export const SECRET_RANDOM_LENGTH = 40;
/** Number of base62 characters of the CRC-32 at the end of a secret. */
export const SECRET_CHECKSUM_LENGTH = 6;
/** Number of characters at the end of a secret that may be shown; all belong to the checksum. */
export const HINT_LENGTH = 4;

/** Custom headers, spelled as in the contract. */
export const HEADERS = {
  passphrase: 'Access-Token-Passphrase',
  apiKey: 'X-API-Key',
  workspace: 'Devpilot-Workspace',
  idempotencyKey: 'Idempotency-Key',
  requestId: 'X-Request-Id',
  credentialId: 'Devpilot-Credential-Id',
  credentialKind: 'Devpilot-Credential-Kind',
  credentialName: 'Devpilot-Credential-Name',
  workspaceId: 'Devpilot-Workspace-Id',
  scopes: 'Devpilot-Scopes',
  permissions: 'Devpilot-Permissions',
  expiresAt: 'Devpilot-Expires-At',
  revocation: 'Devpilot-Revocation',
} as const;

/** What notices about credentials tell of. */
export const CREDENTIAL_NOTICE_KINDS = [
  'credential.expiring',
  'credential.expired',
  'credential.unused',
  'credential.leaked',
  'credential.used_after_deletion',
  'credential.violates_policy',
  'credential.orphaned',
] as const;

/** Why a single sign-on did not succeed, as the page is told in its URL. */
export const SINGLE_SIGN_ON_PROBLEMS = [
  'unavailable',
  'cancelled',
  'interaction_required',
  'expired',
  'refused',
  'no_account',
  'not_verified',
  'account_exists',
  'invitation_invalid',
  'disabled',
  'other_address',
  'linked_to_another',
] as const;
export type SingleSignOnProblem = (typeof SINGLE_SIGN_ON_PROBLEMS)[number];

/** Every action in the activity log, as `noun.verb`. */
export const AUDIT_ACTIONS = [
  'access_token.created',
  'access_token.deleted',
  'api_key.created',
  'api_key.updated',
  'api_key.deleted',
  'credential.denied',
  'credential.passphrase_failed',
  'credential.reviewed',
  'person.signed_up',
  'person.updated',
  'person.password_changed',
  'person.two_factor_enabled',
  'person.two_factor_disabled',
  'person.recovery_codes_created',
  'person.denied',
  'passkey.created',
  'passkey.updated',
  'passkey.deleted',
  'session.created',
  'session.deleted',
  'session.failed',
  'person.sessions_ended',
  'person.password_reset_requested',
  'person.password_reset_created',
  'person.password_reset',
  'person.operator_changed',
  'person.disabled',
  'person.enabled',
  'person.deleted',
  'person.identity_linked',
  'person.identity_unlinked',
  'device.approved',
  'device.denied',
  'workspace.created',
  'workspace.updated',
  'workspace.deleted',
  'workspace.owner_changed',
  'policy.updated',
  'member.created',
  'member.updated',
  'member.deleted',
  'member.left',
  'member.sessions_ended',
  'invitation.created',
  'invitation.deleted',
  'project.created',
  'project.updated',
  'project.deleted',
  'app.created',
  'app.updated',
  'app.deleted',
  'app.push_secret_replaced',
  'server.created',
  'server.updated',
  'server.deleted',
  'server.checked',
  'server.confirmed',
  'env.updated',
  'env.restored',
  'env.revealed',
  'deployment.created',
  'deployment.cancelled',
  'deployment.approved',
  'deployment.promoted',
  'deployment.aborted',
  'deployment.completed',
  'deployment.failed',
  'error_issue.resolved',
  'error_issue.reopened',
  'error_issue.muted',
  'error_issue.deleted',
  'error_key.created',
  'error_key.deleted',
  'system.secret_rotated',
  'script.created',
  'script.updated',
  'script.deleted',
  'run.created',
  'run.cancelled',
  'run.finished',
  'backup.created',
  'backup.finished',
  'backup.downloaded',
  'backup.deleted',
  'backup.restore_started',
  'backup.restore_finished',
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook.secret_replaced',
  'webhook.tested',
  'webhook.redelivered',
  'notice.dismissed',
  'notice.snoozed',
  'notice.reopened',
  'notifications.updated',
  ...CREDENTIAL_NOTICE_KINDS,
  'run.failed',
  'backup.failed',
  'error.new',
  'error.reopened',
  'webhook.switched_off',
  'workload_identity.created',
  'workload_identity.updated',
  'workload_identity.deleted',
  'workload_identity.denied',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Kinds of actors and targets of audit events. */
export const AUDIT_PARTY_KINDS = [
  'person',
  'access_token',
  'api_key',
  'session',
  'passkey',
  'workspace',
  'member',
  'invitation',
  'device',
  'system',
  'project',
  'app',
  'server',
  'error_issue',
  'error_key',
  'deployment',
  'script',
  'run',
  'backup',
  'webhook',
  'notice',
  'workload_identity',
] as const;
export type AuditPartyKind = (typeof AUDIT_PARTY_KINDS)[number];

/** What notices tell of. Each is an action of the activity log and an event of webhooks too. */
export const NOTICE_KINDS = [
  ...CREDENTIAL_NOTICE_KINDS,
  'deployment.failed',
  'run.failed',
  'backup.failed',
  'error.new',
  'error.reopened',
  'webhook.switched_off',
] as const satisfies readonly AuditAction[];
export type NoticeKind = (typeof NOTICE_KINDS)[number];
export const NOTICE_STATUSES = ['open', 'snoozed', 'dismissed'] as const;
export type NoticeStatus = (typeof NOTICE_STATUSES)[number];
/** How a person is told of a kind of notice by mail. */
export const NOTIFICATION_MODES = ['off', 'digest', 'immediate'] as const;
export type NotificationMode = (typeof NOTIFICATION_MODES)[number];

/** Events that webhooks can receive. `audit.event` is every event of the activity log, in order. */
export const WEBHOOK_EVENTS = [
  'audit.event',
  'credential.created',
  'credential.updated',
  'credential.deleted',
  'credential.denied',
  'credential.passphrase_failed',
  ...CREDENTIAL_NOTICE_KINDS,
  'member.created',
  'member.updated',
  'member.deleted',
  'member.left',
  'member.sessions_ended',
  'deployment.created',
  'deployment.cancelled',
  'deployment.approved',
  'deployment.promoted',
  'deployment.aborted',
  'deployment.completed',
  'deployment.failed',
  'run.created',
  'run.cancelled',
  'run.finished',
  'run.failed',
  'backup.created',
  'backup.finished',
  'backup.failed',
  'backup.deleted',
  'backup.restore_started',
  'backup.restore_finished',
  'error.new',
  'error.reopened',
  'webhook.switched_off',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
/** Families of events, including those that later versions add. */
export const WEBHOOK_EVENT_FAMILIES = [
  'credential.*',
  'member.*',
  'deployment.*',
  'run.*',
  'backup.*',
  'error.*',
  'webhook.*',
] as const;
export const WEBHOOK_SUBSCRIPTIONS = [...WEBHOOK_EVENTS, ...WEBHOOK_EVENT_FAMILIES] as const;
export type WebhookSubscription = (typeof WEBHOOK_SUBSCRIPTIONS)[number];
/** The event of a test message, which every webhook receives. */
export const WEBHOOK_TEST_EVENT = 'webhook.test';
/** Bodies of messages: that of Standard Webhooks, or that which a chat displays. */
export const WEBHOOK_FORMATS = ['standard', 'slack', 'teams', 'discord'] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];
export const WEBHOOK_DELIVERY_STATUSES = ['waiting', 'delivered', 'failed'] as const;
export type WebhookDeliveryStatus = (typeof WEBHOOK_DELIVERY_STATUSES)[number];

export const SERVER_KINDS = ['ssh', 'local'] as const;
export type ServerKind = (typeof SERVER_KINDS)[number];
/** Shells that can run the commands of an app. With bash, a pipe fails if any part of it fails (`pipefail`). */
export const COMMAND_INTERPRETERS = ['/bin/sh', '/bin/bash'] as const;
export type CommandInterpreter = (typeof COMMAND_INTERPRETERS)[number];

/** The stages of a deployment at which hooks run, in order. */
export const HOOK_STAGES = [
  'pre_execution',
  'pre_source_control',
  'post_source_control',
  'post_setup',
  'post_release',
] as const;
export type HookStage = (typeof HOOK_STAGES)[number];
/** Statuses of deployments, runs and backups. */
export const WORK_STATUSES = ['pending', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type WorkStatus = (typeof WORK_STATUSES)[number];
export const DEPLOYMENT_KINDS = ['deploy', 'rollback'] as const;
/** All servers at once; in batches; or one first and the rest when promoted. */
export const STRATEGIES = ['all', 'rolling', 'canary'] as const;
export type Strategy = (typeof STRATEGIES)[number];
export const HOOK_STATUSES = [...WORK_STATUSES, 'skipped'] as const;
export type HookStatus = (typeof HOOK_STATUSES)[number];
/** What an idle deployment is waiting for. */
export const DEPLOYMENT_WAIT_REASONS = ['approval', 'schedule', 'queue', 'promotion'] as const;
export type DeploymentWaitReason = (typeof DEPLOYMENT_WAIT_REASONS)[number];
/** Fields of a deployment that need `advanced_deployment`. */
export const ADVANCED_DEPLOYMENT_FIELDS = [
  'servers',
  'strategy',
  'batchSize',
  'pauseSeconds',
  'healthCheck',
  'scheduledAt',
  'approval',
  'skipHooks',
] as const;

/** The source of a log line: the process, or Devpilot itself (`system`). */
export const LOG_STREAMS = ['stdout', 'stderr', 'system'] as const;
/** Sort orders of resource lists; `-` for descending. */
export const RESOURCE_SORTS = ['createdAt', '-createdAt', 'name', '-name'] as const;

/** Interval of the roll-ups, with their length in milliseconds. */
export const INTERVALS = { minute: MINUTE, hour: HOUR, day: DAY } as const;
export type Interval = keyof typeof INTERVALS;
export const INTERVAL_NAMES = ['minute', 'hour', 'day'] as const satisfies readonly Interval[];
/** What events can be counted by. */
export const ACTIVITY_GROUPS = ['type', 'source', 'subject'] as const;
export type ActivityGroup = (typeof ACTIVITY_GROUPS)[number];

export const ERROR_LEVELS = ['fatal', 'error', 'warning', 'info', 'debug'] as const;
export type ErrorLevel = (typeof ERROR_LEVELS)[number];
export const ISSUE_STATUSES = ['open', 'resolved', 'muted'] as const;
export type IssueStatus = (typeof ISSUE_STATUSES)[number];
export const ISSUE_SORTS = ['-lastSeenAt', '-firstSeenAt', '-count'] as const;

/** A backup of an app's shared directory, or of the output of its backup command. */
/** What happens when a script is due while it still runs: nothing, a run after it, or a run beside it. */
export const SCRIPT_OVERLAPS = ['skip', 'queue', 'allow'] as const;
export type ScriptOverlap = (typeof SCRIPT_OVERLAPS)[number];
export const BACKUP_KINDS = ['directory', 'command'] as const;
export type BackupKind = (typeof BACKUP_KINDS)[number];

/**
 * The roles in ascending order of rights (contract section 3); requests of people are checked against a minimum role.
 */
export const ROLE_RANK: Readonly<Record<Role, number>> = { member: 1, admin: 2, owner: 3 };
