/**
 * The vocabulary of the contract: every name, limit and code that the outside may rely on.
 * This file imports nothing, so that the server, the page, the CLI and the SDK can share it.
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
/** What an access token may do. */
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
/** What an API key may do. */
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

/** What rights reach by their nature, beyond what their meanings say; shown where they are chosen. */
export const RIGHT_IMPLICATIONS: Readonly<Partial<Record<Scope | Permission, string>>> = {
  all: 'Includes modify_env and run_scripts: it reads every variable and runs the configured scripts.',
  modify_env: 'Reads the value of every variable, and sets what the apps are started with.',
  write:
    'Decides what runs on your servers: whoever changes an app, a server or a script can run code there and read every variable.',
  manage_apps:
    'Decides what runs on your servers: whoever changes an app, its repository or its hooks can run code there and read its variables.',
  manage_servers:
    'Decides where apps run: once an owner or admin has confirmed a server that it created or changed, apps and their variables are sent to that machine.',
  manage_backups: 'Restoring replaces an app’s data with that of the backup.',
};

/** What a right means and reaches, in one text. */
export function describeRight(right: Scope | Permission): string {
  const meaning = { ...SCOPE_DESCRIPTIONS, ...PERMISSION_DESCRIPTIONS }[right];
  const reach = RIGHT_IMPLICATIONS[right];
  return reach === undefined ? meaning : `${meaning} ${reach}`;
}

/** The flag of an API key that is not a permission. */
export const GUARD_DESCRIPTION =
  "Whether it may run guards (with the permission read): a guard decides on the workspace's credentials in another process and reports their uses.";

export const CREDENTIAL_KINDS = ['access_token', 'api_key'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

export const ROLES = ['owner', 'admin', 'member'] as const;
export type Role = (typeof ROLES)[number];
/** Roles that can be given; ownership is only ever handed over. */
export const ASSIGNABLE_ROLES = ['admin', 'member'] as const;
export type AssignableRole = (typeof ASSIGNABLE_ROLES)[number];

export const ACCESS_TOKEN_STATUSES = ['active', 'expired'] as const;
export const API_KEY_STATUSES = ['active', 'inactive', 'expired'] as const;
export type AccessTokenStatus = (typeof ACCESS_TOKEN_STATUSES)[number];
export type ApiKeyStatus = (typeof API_KEY_STATUSES)[number];

export const CREDENTIAL_SORTS = ['createdAt', 'name', 'expiresAt', 'lastUsedAt', 'useCount'] as const;
export type CredentialSort = (typeof CREDENTIAL_SORTS)[number];

/** What a secret starts with, by what it is the secret of. */
export const SECRET_PREFIXES = {
  access_token: 'workspace_token_',
  api_key: 'dp_',
  session: 'devpilot_session_',
} as const;
export type SecretKind = keyof typeof SECRET_PREFIXES;
/** Base62 in the order that the checksum is written in. */
export const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Random base62 characters of a secret; they carry 238 bits (ASVS 11.5.1). */
export const SECRET_RANDOM_LENGTH = 40;
/** Base62 characters of the CRC-32 at the end of a secret. */
export const SECRET_CHECKSUM_LENGTH = 6;
/** Characters of the end of a secret that may be shown; all of them checksum. */
export const HINT_LENGTH = 4;

/** Lengths are counted in code points after NFC and trimming. */
export const LIMITS = {
  name: { min: 3, max: 255 },
  description: { max: 1000 },
  passphrase: { min: 8, max: 255 },
  password: { min: 8, max: 255 },
  personName: { min: 1, max: 255 },
  email: { max: 254 },
  page: { standard: 50, max: 200 },
  query: { max: 255 },
  /** Holds the longest name there can be, in base64. */
  cursor: { max: 2048 },
  /** Passkeys of one person. */
  passkeys: { max: 20 },
  /** Passkey challenges of one client address that wait for their answer at a time. */
  passkeyChallenges: { max: 200 },
  /** Links to reset a password that one person may have at a time. */
  passwordResets: { max: 5 },
  idempotencyKey: { min: 1, max: 255 },
  bodyBytes: 1_048_576,
  /** Bytes of a form: many times what a secret and a passphrase with every byte escaped have. */
  formBody: 65_536,
  /** Fields of a form. */
  formFields: 100,
} as const;

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Durations in milliseconds. */
export const DURATIONS = {
  sessionIdle: 14 * DAY,
  sessionLifetime: 90 * DAY,
  invitation: 7 * DAY,
  deviceCode: 15 * MINUTE,
  devicePoll: 5 * SECOND,
  passkeyChallenge: 5 * MINUTE,
  passwordReset: HOUR,
  idempotency: DAY,
} as const;

/**
 * How many failures are borne before answers become `rate_limited`; spans in milliseconds.
 * A passphrase failure counts per credential and client address, and per credential.
 */
export const FAILURE_LIMITS = {
  passphrase: { perAddress: { count: 5, windowMs: 15 * MINUTE }, perSubject: { count: 50, windowMs: HOUR } },
  signIn: { perAddress: { count: 5, windowMs: 15 * MINUTE }, perSubject: { count: 50, windowMs: HOUR } },
  /** Failed sign-ins and sign-ups of one client address over all accounts. */
  acrossAccounts: { count: 30, windowMs: 15 * MINUTE },
} as const;

/** Error keys of one workspace; envelopes that one may send at once, and per second and node for ever. */
export const ERROR_KEY_LIMITS = { perWorkspace: 100, origins: 50, burst: 1_000, perSecond: 100 } as const;

/** What a guard may report at a time: uses of one credential, and credentials. */
export const GUARD_REPORT_LIMITS = {
  usesPerCredential: 10_000_000,
  credentials: 500,
  addressesPerCredential: 20,
} as const;

/** Well-formed secrets that are not known here, by client address: so many at once, and so many a second for ever. */
export const UNKNOWN_SECRET_LIMITS = { burst: 5_000, perSecond: 500, addresses: 50_000 } as const;

interface CodeDefinition {
  readonly status: number;
  readonly title: string;
  /** What the reader of an error page should do next. */
  readonly advice: string;
}

/** Every error code with its HTTP status (RFC 9457 problem types). */
export const CODES = {
  invalid_request: {
    status: 400,
    title: 'The request cannot be read',
    advice:
      'Send exactly one credential, in a header and never in the query string, and a body that is complete, well-formed JSON.',
  },
  missing_credential: {
    status: 401,
    title: 'A credential is needed',
    advice: 'Present an access token or an API key as `Authorization: Bearer <secret>`, or sign in.',
  },
  invalid_token: {
    status: 401,
    title: 'The credential is not valid',
    advice:
      'Check that the secret was copied whole. If the credential was deleted, create a new one; a secret cannot be shown again.',
  },
  passphrase_required: {
    status: 401,
    title: 'The access token asks for its passphrase',
    advice:
      'Send the passphrase in the header `Access-Token-Passphrase`, or as the password of `Authorization: Basic`.',
  },
  passphrase_incorrect: {
    status: 401,
    title: 'The passphrase is not right',
    advice:
      'Check the passphrase. After five failures from one address within 15 minutes further tries are refused for a while.',
  },
  token_inactive: {
    status: 401,
    title: 'The API key is inactive',
    advice: 'An owner or admin can switch it on again in Settings → API Keys.',
  },
  token_expired: {
    status: 401,
    title: 'The credential has expired',
    advice: 'Create a new credential; an API key can also be given a later expiry.',
  },
  sign_in_failed: {
    status: 401,
    title: 'Signing in failed',
    advice: 'Check the email address, the password and, if set, the code of the second factor.',
  },
  second_factor_required: {
    status: 401,
    title: 'The second factor is needed',
    advice: 'Sign in again with `code`: the six digits of the authenticator app, or a recovery code.',
  },
  insufficient_scope: {
    status: 403,
    title: 'The credential may not do this',
    advice: '`required` names what is needed. Create a credential that has it, or add the permission to the API key.',
  },
  wrong_credential_kind: {
    status: 403,
    title: 'Another kind of credential is needed here',
    advice: 'The message says which kind this route takes: a person, an access token or an API key.',
  },
  forbidden: {
    status: 403,
    title: 'This is not allowed',
    advice: 'Ask an owner or admin of the workspace.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    advice:
      'Check the address and the workspace (header `Devpilot-Workspace`). What belongs to another workspace looks just like what does not exist.',
  },
  immutable: {
    status: 405,
    title: 'Access tokens are immutable',
    advice: 'Delete the access token and create a new one.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    advice: 'The header `Allow` names the methods of this address.',
  },
  conflict: {
    status: 409,
    title: 'The request conflicts with what is there',
    advice: 'Read the current state, then try again.',
  },
  idempotent_replay: {
    status: 409,
    title: 'This request was carried out before',
    advice:
      '`id` names what the first call made. A secret is never kept to be told twice: if it was lost, delete that credential and create another.',
  },
  too_large: { status: 413, title: 'The body is too large', advice: 'Send a smaller body.' },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    advice: 'Send `Content-Type: application/json`, or `application/x-www-form-urlencoded` where the page says so.',
  },
  validation_failed: {
    status: 422,
    title: 'Some fields are not valid',
    advice: '`errors` names each field and what it takes.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many failures',
    advice: 'Wait as many seconds as the header `Retry-After` says.',
  },
  quota_exceeded: {
    status: 429,
    title: 'The quota is used up',
    advice:
      '`detail` names the quota. Wait as many seconds as the header `Retry-After` says, or delete what is no longer needed.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong here',
    advice: 'Try again. If it stays, give the operator the `requestId`.',
  },
  unavailable: {
    status: 503,
    title: 'Not available at the moment',
    advice: 'Try again after the seconds in `Retry-After`.',
  },
} as const satisfies Record<string, CodeDefinition>;
export type Code = keyof typeof CODES;

/** Headers of our own, in the spelling of the contract. */
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
  revocation: 'Devpilot-Revocation',
} as const;

/** Everything that the activity log records, as `noun.verb`. */
export const AUDIT_ACTIONS = [
  'access_token.created',
  'access_token.deleted',
  'api_key.created',
  'api_key.updated',
  'api_key.deleted',
  'credential.denied',
  'credential.passphrase_failed',
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
  'device.approved',
  'device.denied',
  'workspace.created',
  'workspace.updated',
  'workspace.deleted',
  'workspace.owner_changed',
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
  'backup.deleted',
  'backup.restore_started',
  'backup.restore_finished',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** What an actor or a target of an audit event can be. */
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
] as const;
export type AuditPartyKind = (typeof AUDIT_PARTY_KINDS)[number];

export const SERVER_KINDS = ['ssh', 'local'] as const;
export type ServerKind = (typeof SERVER_KINDS)[number];
/** What runs the commands of an app. With bash a pipe fails where any part of it fails (`pipefail`). */
export const COMMAND_INTERPRETERS = ['/bin/sh', '/bin/bash'] as const;
export type CommandInterpreter = (typeof COMMAND_INTERPRETERS)[number];

/** Where in a deployment a hook runs, in that order. */
export const HOOK_STAGES = [
  'pre_execution',
  'pre_source_control',
  'post_source_control',
  'post_setup',
  'post_release',
] as const;
export type HookStage = (typeof HOOK_STAGES)[number];
/** What becomes of that which takes time: deployments, runs, backups. */
export const WORK_STATUSES = ['pending', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type WorkStatus = (typeof WORK_STATUSES)[number];
export const DEPLOYMENT_KINDS = ['deploy', 'rollback'] as const;
/** All servers at once; some after others; one first, and the rest when somebody says so. */
export const STRATEGIES = ['all', 'rolling', 'canary'] as const;
export type Strategy = (typeof STRATEGIES)[number];
export const HOOK_STATUSES = [...WORK_STATUSES, 'skipped'] as const;
export type HookStatus = (typeof HOOK_STATUSES)[number];
/** What a deployment that does nothing at the moment waits for. */
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

/** Who says a line of a log: what ran, or Devpilot about it. */
export const LOG_STREAMS = ['stdout', 'stderr', 'system'] as const;
/** What lists of resources are sorted by; `-` before it for descending. */
export const RESOURCE_SORTS = ['createdAt', '-createdAt', 'name', '-name'] as const;

/** What roll-ups are kept at, with the length of one step in milliseconds. */
export const INTERVALS = { minute: MINUTE, hour: HOUR, day: DAY } as const;
export type Interval = keyof typeof INTERVALS;
export const INTERVAL_NAMES = ['minute', 'hour', 'day'] as const satisfies readonly Interval[];
/** What events are counted by. */
export const ACTIVITY_GROUPS = ['type', 'source', 'subject'] as const;
export type ActivityGroup = (typeof ACTIVITY_GROUPS)[number];

export const ERROR_LEVELS = ['fatal', 'error', 'warning', 'info', 'debug'] as const;
export type ErrorLevel = (typeof ERROR_LEVELS)[number];
export const ISSUE_STATUSES = ['open', 'resolved', 'muted'] as const;
export type IssueStatus = (typeof ISSUE_STATUSES)[number];
export const ISSUE_SORTS = ['-lastSeenAt', '-firstSeenAt', '-count'] as const;

/** Of an app's shared directory, or of what its backup command writes. */
export const BACKUP_KINDS = ['directory', 'command'] as const;
export type BackupKind = (typeof BACKUP_KINDS)[number];

/** Limits of what credentials open; lengths in characters. */
export const RESOURCE_LIMITS = {
  repositoryUser: 255,
  repositoryPassword: 4096,
  slug: 63,
  host: 253,
  command: 8192,
  url: 2048,
  branch: 255,
  directory: 1024,
  hooks: 50,
  keepReleases: { min: 1, max: 100 },
  hookTimeout: { min: 1, max: 86_400 },
  healthTimeout: { min: 1, max: 3_600 },
  envName: 255,
  /** Bytes of UTF-8. */
  envValueBytes: 65_536,
  envVariables: 1000,
  /** Older versions of an app's environment can't be restored any more. */
  envVersions: 200,
  envBodyBytes: 8 * 1_048_576,
  /** Bytes of all values of an app. */
  envTotalBytes: 4 * 1_048_576,
  activityBatch: 1000,
  activityBodyBytes: 8 * 1_048_576,
  /** Bytes of one event's data as JSON. */
  activityDataBytes: 65_536,
  /** Characters of an event's id, source, type and subject. */
  activityFieldLength: 512,
  /** Points that a chart has at most over all its series. */
  activityPoints: 20_000,
  /** Events that one CSV file holds at most. */
  activityCsv: 100_000,
  activitySeries: { min: 10, max: 100 },
  errorType: 255,
  errorMessage: 8192,
  errorStack: 65_536,
  errorFieldLength: 255,
  errorFingerprint: 16,
  /** Bytes of an envelope, as it is sent and unpacked. */
  errorEnvelopeBytes: 2 * 1_048_576,
  errorEnvelopeUnpackedBytes: 8 * 1_048_576,
  /** Bytes of one event in it. */
  errorEventBytes: 1_048_576,
  errorFrames: 50,
  errorBreadcrumbs: 50,
  errorTags: 50,
  /** Occurrences kept of one issue: the newest, and so many a minute; all are counted. */
  errorEvents: 100,
  errorEventsPerMinute: 10,
  errorIssues: 10_000,
  /** Servers of one deployment. */
  deploymentServers: 50,
  pauseSeconds: 3600,
  /** How far ahead a deployment can be scheduled; days. */
  scheduleDays: 366,
  /** Releases, environments and apps kept of one issue. */
  errorFacets: 50,
  scriptDescription: 500,
  scriptBody: 131_072,
  interpreter: 255,
  scriptTimeout: { min: 1, max: 3_600 },
  parameters: 50,
  parameterName: 64,
  parameterValue: 8192,
  pattern: 500,
  schedule: 100,
  /** Older versions of a script are forgotten. */
  scriptVersions: 200,
  /** Backups that retention may keep of an app, and for how many days. */
  keepBackups: { min: 1, max: 1000 },
  keepBackupDays: { min: 1, max: 3650 },
} as const;

/** What each role may do (contract section 3); a person's request is checked against one of these. */
export const ROLE_RANK: Readonly<Record<Role, number>> = { member: 1, admin: 2, owner: 3 };
