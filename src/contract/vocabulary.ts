/**
 * The vocabulary of the contract: names on which clients can rely. Other names are in `event-names.ts` (events),
 * `platform-vocabulary.ts` (deployments, scripts and trackers) and `error-codes.ts`; limits are in `limits.ts` and
 * `token-exchange-limits.ts`. None of these files imports a library, so that the server, the web UI, the CLI and the
 * SDK can share them.
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

/** Consequences and limits of rights that their descriptions omit. They are shown where rights are selected. */
export const RIGHT_IMPLICATIONS: Readonly<Partial<Record<Scope | Permission, string>>> = {
  all: 'Includes modify_env and run_scripts: it can read every variable and run the configured scripts.',
  basic_deployment: "They run on the app's server, immediately, with all hooks.",
  advanced_deployment:
    'They choose servers, a strategy, a start time, approval, hooks or a health check. Does not include basic_deployment.',
  activity_tracker_analytics: 'Can also read the events themselves.',
  error_tracker: 'Can also change and delete issues, and upload and delete source maps.',
  modify_env: 'Can read the value of every variable, and set the variables that apps start with.',
  write:
    'Can run code on your servers and read every variable: by changing an app or script, or a server that an admin then confirms.',
  manage_apps:
    'Controls the code on your servers: changing an app, its repository or its hooks is enough to run code there and read its variables.',
  manage_servers:
    'Controls where apps run: once an owner or admin has confirmed a server that the key created or changed, apps and their variables are sent to that machine.',
  deploy: 'Can also approve and cancel them.',
  manage_backups: "Can also download decrypted data; restoring replaces an app's data.",
};

/** Returns the description of a right, including what it implies. */
export function describeRight(right: Scope | Permission): string {
  const description = { ...SCOPE_DESCRIPTIONS, ...PERMISSION_DESCRIPTIONS }[right];
  const implication = RIGHT_IMPLICATIONS[right];
  return implication === undefined ? description : `${description} ${implication}`;
}

/** Description of an API key's flag `guard`, which is not a permission. */
export const GUARD_DESCRIPTION =
  "Whether the API key can run guards, which also requires the permission `read`. A guard runs in another service, authorizes requests with the workspace's credentials there, and reports their uses.";

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
/** Who can create credentials under a policy. */
export const POLICY_CREATORS = ['admins', 'owner'] as const;
/** What happens to a leaked credential under a policy. */
export const POLICY_LEAK_RESPONSES = ['delete', 'notify'] as const;
/**
 * Whether a reported secret is, or recently was, valid on this installation, in the terms of GitHub's secret scanning.
 */
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
/** Decisions on a reviewed credential, besides replacing or deleting it. */
export const REVIEW_DECISIONS = ['keep'] as const;

/** The checks of an authorization decision about a known secret, in order. */
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
/** Number of characters at the end of a secret that are shown as a hint. All of them are part of the checksum. */
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

/** Why a single sign-on failed. The web UI receives the reason in the URL. */
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

/** Ranks of roles. A higher role has all rights of the lower ones, so a route requires a minimum role. */
export const ROLE_RANK: Readonly<Record<Role, number>> = { member: 1, admin: 2, owner: 3 };
