import type { AccessToken } from '../../contract/access-tokens.ts';
import type { ApiKey } from '../../contract/api-keys.ts';
import type { Page } from '../../contract/paging.ts';
import { type CredentialKind, type Permission, type Scope, SECRET_PREFIXES } from '../../contract/vocabulary.ts';
import type { CallOptions, Client } from '../../sdk/client.ts';

export type Credential = AccessToken | ApiKey;
export type Right = Scope | Permission;

export interface RightGroup {
  readonly label: string;
  readonly rights: readonly Right[];
}

/** The texts and settings in which the pages of the two kinds of credential differ. */
export interface CredentialKindConfig {
  readonly kind: CredentialKind;
  /** As written in the middle of a sentence. */
  readonly noun: string;
  readonly plural: string;
  readonly title: string;
  readonly generateLabel: string;
  readonly path: '/settings/access-tokens' | '/settings/api-keys';
  /** An introduction of two sentences for new users. */
  readonly description: string;
  readonly prefix: string;
  /** The environment variable that a script reads the secret from. */
  readonly variable: string;
  readonly rightsLabel: string;
  readonly rightNoun: string;
  readonly rightGroups: readonly RightGroup[];
  readonly statuses: readonly string[];
  readonly placeholder: string;
}

/** The group of each scope in forms and filters, in the order in which they are shown. */
const SCOPE_GROUPS: Readonly<Record<Scope, 'Everything' | 'Deployments' | 'Tracking' | 'Apps and automation'>> = {
  all: 'Everything',
  basic_deployment: 'Deployments',
  advanced_deployment: 'Deployments',
  activity_tracker: 'Tracking',
  activity_tracker_analytics: 'Tracking',
  error_tracker: 'Tracking',
  modify_env: 'Apps and automation',
  run_scripts: 'Apps and automation',
};

/** As `SCOPE_GROUPS`, for permissions. */
const PERMISSION_GROUPS: Readonly<Record<Permission, 'Resources' | 'Operations' | 'Management'>> = {
  read: 'Resources',
  write: 'Resources',
  delete: 'Resources',
  deploy: 'Operations',
  view_logs: 'Operations',
  manage_backups: 'Operations',
  manage_projects: 'Management',
  manage_apps: 'Management',
  manage_servers: 'Management',
};

function toGroups(groups: Readonly<Partial<Record<Right, string>>>): RightGroup[] {
  const rights = Object.keys(groups) as Right[];
  return [...Map.groupBy(rights, (right) => groups[right] ?? '')].map(([label, members]) => ({
    label,
    rights: members,
  }));
}

export const ACCESS_TOKENS: CredentialKindConfig = {
  kind: 'access_token',
  noun: 'access token',
  plural: 'access tokens',
  title: 'Access Tokens',
  generateLabel: 'Generate Token',
  path: '/settings/access-tokens',
  description:
    'An access token lets a pipeline or a script act on this workspace without a browser session. Each has its own scopes, an optional passphrase and an optional expiry.',
  prefix: SECRET_PREFIXES.access_token,
  variable: 'DEVPILOT_TOKEN',
  rightsLabel: 'Scopes',
  rightNoun: 'scope',
  rightGroups: toGroups(SCOPE_GROUPS),
  statuses: ['active', 'expired'],
  placeholder: 'CI/CD Pipeline',
};

export const API_KEYS: CredentialKindConfig = {
  kind: 'api_key',
  noun: 'API key',
  plural: 'API keys',
  title: 'API Keys',
  generateLabel: 'Generate API Key',
  path: '/settings/api-keys',
  description:
    "An API key lets a service talk to Devpilot's management APIs. Its permissions, expiry and active state can be changed later; its secret never changes.",
  prefix: SECRET_PREFIXES.api_key,
  // Read by services, as in docs/guides/standards.md. The CLI reads DEVPILOT_TOKEN.
  variable: 'DEVPILOT_API_KEY',
  rightsLabel: 'Permissions',
  rightNoun: 'permission',
  rightGroups: toGroups(PERMISSION_GROUPS),
  statuses: ['active', 'inactive', 'expired'],
  placeholder: 'Billing service',
};

export const getKindConfig = (credential: Credential): CredentialKindConfig =>
  credential.kind === 'access_token' ? ACCESS_TOKENS : API_KEYS;

export const getRights = (credential: Credential): readonly Right[] =>
  credential.kind === 'access_token' ? credential.scopes : credential.permissions;

export const hasPassphrase = (credential: Credential): boolean =>
  credential.kind === 'access_token' && credential.hasPassphrase;

/** The query key prefix of all credentials of a kind in a workspace. */
export const credentialsKey = (workspaceId: string, { kind }: CredentialKindConfig) => [workspaceId, kind] as const;

export interface CredentialListQuery {
  readonly cursor?: string | undefined;
  readonly q?: string | undefined;
  readonly status?: string | undefined;
  readonly right?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly unusedForDays?: string | undefined;
  readonly sort?: string | undefined;
}

const apiPath = ({ kind }: CredentialKindConfig) => (kind === 'access_token' ? '/v1/access-tokens' : '/v1/api-keys');

/** Sends the URL's filters to the server unchanged; the server rejects invalid ones. */
export function listCredentials(
  api: Client,
  kind: CredentialKindConfig,
  { right, ...query }: CredentialListQuery,
  options: CallOptions,
): Promise<Page<Credential>> {
  const rightFilter = kind.kind === 'access_token' ? { scope: right } : { permission: right };
  return api.request('GET', apiPath(kind), { ...options, query: { ...query, ...rightFilter } });
}

export function getCredential(api: Client, { kind, id }: Credential, options: CallOptions): Promise<Credential> {
  return kind === 'access_token' ? api.accessTokens.get(id, options) : api.apiKeys.get(id, options);
}

export function deleteCredential(api: Client, { kind, id }: Credential): Promise<void> {
  return kind === 'access_token' ? api.accessTokens.delete(id) : api.apiKeys.delete(id);
}
