import type { AccessToken } from '../../contract/access-tokens.ts';
import type { ApiKey } from '../../contract/api-keys.ts';
import type { CountedPage } from '../../contract/paging.ts';
import { type CredentialKind, type Permission, type Scope, SECRET_PREFIXES } from '../../contract/vocabulary.ts';
import { type CallOptions, type Client, DevpilotError } from '../../sdk/client.ts';
import { strings } from './strings.ts';

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
  /** The plural of `noun`. */
  readonly plural: string;
  readonly title: string;
  readonly generateLabel: string;
  readonly path: '/settings/access-tokens' | '/settings/api-keys';
  /** An introduction of two sentences for new users. */
  readonly description: string;
  /** The prefix of the secrets. */
  readonly prefix: string;
  /** The environment variable that a script reads the secret from. */
  readonly variable: string;
  readonly rightsLabel: string;
  readonly rightNoun: string;
  readonly rightGroups: readonly RightGroup[];
  readonly statuses: readonly string[];
  /** The placeholder of the name field. */
  readonly placeholder: string;
}

type GroupName = keyof typeof strings.kinds.groups;

/** The group of each scope in forms and filters, in the order in which they are shown. */
const SCOPE_GROUPS: Readonly<Record<Scope, GroupName>> = {
  all: 'everything',
  basic_deployment: 'deployments',
  advanced_deployment: 'deployments',
  activity_tracker: 'tracking',
  activity_tracker_analytics: 'tracking',
  error_tracker: 'tracking',
  modify_env: 'appsAndAutomation',
  run_scripts: 'appsAndAutomation',
};

/** Like `SCOPE_GROUPS`, for permissions. */
const PERMISSION_GROUPS: Readonly<Record<Permission, GroupName>> = {
  read: 'resources',
  write: 'resources',
  delete: 'resources',
  deploy: 'operations',
  view_logs: 'operations',
  manage_backups: 'operations',
  manage_projects: 'management',
  manage_apps: 'management',
  manage_servers: 'management',
};

function toGroups(groupNames: Readonly<Partial<Record<Right, GroupName>>>): RightGroup[] {
  const allRights = Object.keys(groupNames) as Right[];
  return [...Map.groupBy(allRights, (right) => groupNames[right])].flatMap(([groupName, rights]) =>
    groupName === undefined ? [] : [{ label: strings.kinds.groups[groupName], rights }],
  );
}

export const ACCESS_TOKENS: CredentialKindConfig = {
  kind: 'access_token',
  noun: strings.kinds.accessTokens.noun,
  plural: strings.kinds.accessTokens.plural,
  title: strings.kinds.accessTokens.title,
  generateLabel: strings.kinds.accessTokens.generateLabel,
  path: '/settings/access-tokens',
  description: strings.kinds.accessTokens.description,
  prefix: SECRET_PREFIXES.access_token,
  variable: 'DEVPILOT_TOKEN',
  rightsLabel: strings.kinds.accessTokens.rightsLabel,
  rightNoun: strings.kinds.accessTokens.rightNoun,
  rightGroups: toGroups(SCOPE_GROUPS),
  statuses: ['active', 'expired', 'spent'],
  placeholder: strings.kinds.accessTokens.placeholder,
};

export const API_KEYS: CredentialKindConfig = {
  kind: 'api_key',
  noun: strings.kinds.apiKeys.noun,
  plural: strings.kinds.apiKeys.plural,
  title: strings.kinds.apiKeys.title,
  generateLabel: strings.kinds.apiKeys.generateLabel,
  path: '/settings/api-keys',
  description: strings.kinds.apiKeys.description,
  prefix: SECRET_PREFIXES.api_key,
  // Read by services, as in docs/guides/standards.md. The CLI reads DEVPILOT_TOKEN.
  variable: 'DEVPILOT_API_KEY',
  rightsLabel: strings.kinds.apiKeys.rightsLabel,
  rightNoun: strings.kinds.apiKeys.rightNoun,
  rightGroups: toGroups(PERMISSION_GROUPS),
  statuses: ['active', 'inactive', 'expired', 'spent'],
  placeholder: strings.kinds.apiKeys.placeholder,
};

export const getKindConfig = (credential: Credential): CredentialKindConfig =>
  credential.kind === 'access_token' ? ACCESS_TOKENS : API_KEYS;

export const getRights = (credential: Credential): readonly Right[] =>
  credential.kind === 'access_token' ? credential.scopes : credential.permissions;

/** Returns the end of the secret as it is shown; for an imported credential, whose secret is not known, a note. */
export const hintText = ({ hint }: Pick<Credential, 'hint'>): string =>
  hint === '' ? strings.columns.imported : `…${hint}`;

export const hasPassphrase = (credential: Credential): boolean =>
  credential.kind === 'access_token' && credential.hasPassphrase;

/** The query key prefix of all credentials of a kind in a workspace. */
export const credentialsKey = (workspaceId: string, { kind }: CredentialKindConfig) => [workspaceId, kind] as const;

/** The value of the expiry filter for credentials without expiry. */
export const NEVER = 'never';

export interface CredentialListQuery {
  readonly cursor?: string | undefined;
  readonly q?: string | undefined;
  readonly status?: string | undefined;
  readonly right?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly unusedForDays?: string | undefined;
  /** A maximum number of days until the expiry, or `never`. */
  readonly expiry?: string | undefined;
  readonly violatesPolicy?: string | undefined;
  readonly origin?: string | undefined;
  readonly sort?: string | undefined;
  readonly limit?: number | undefined;
}

const apiPath = ({ kind }: CredentialKindConfig) => (kind === 'access_token' ? '/v1/access-tokens' : '/v1/api-keys');

/** Lists credentials. The filters come from the URL and are not validated here; the server rejects invalid values. */
export function listCredentials(
  api: Client,
  kind: CredentialKindConfig,
  { right, expiry, ...query }: CredentialListQuery,
  options: CallOptions,
): Promise<CountedPage<Credential>> {
  const rightFilter = kind.kind === 'access_token' ? { scope: right } : { permission: right };
  const expiryFilter = expiry === NEVER ? { neverExpires: true } : { expiresWithinDays: expiry };
  return api.request('GET', apiPath(kind), { ...options, query: { ...query, ...rightFilter, ...expiryFilter } });
}

export function getCredential(
  api: Client,
  { kind, id }: Pick<Credential, 'kind' | 'id'>,
  options: CallOptions,
): Promise<Credential> {
  return kind === 'access_token' ? api.accessTokens.get(id, options) : api.apiKeys.get(id, options);
}

export function deleteCredential(api: Client, { kind, id }: Credential): Promise<void> {
  return kind === 'access_token' ? api.accessTokens.delete(id) : api.apiKeys.delete(id);
}

/** Whether an error means that the credential was deleted or never existed. */
export const isNotFoundError = (error: unknown): boolean =>
  error instanceof DevpilotError && error.code === 'not_found';
