import type { AccessToken } from '../contract/access-tokens.ts';
import type { ApiKey } from '../contract/api-keys.ts';
import { type CredentialSort, SCOPES } from '../contract/vocabulary.ts';
import type { Client } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { type DeleteOptions, deleteItems } from './delete-items.ts';
import { Failure } from './failure.ts';
import { parseCount } from './input.ts';
import {
  type Column,
  formatInstant,
  print,
  printDetails,
  printJson,
  printList,
  printNote,
  takeFirst,
} from './output.ts';
import { formatRate } from './restriction-options.ts';

export type Credential = AccessToken | ApiKey;
export type CredentialCommand = 'tokens' | 'keys';

export const rightsOf = (credential: Credential): readonly string[] =>
  credential.kind === 'access_token' ? credential.scopes : credential.permissions;
export const apiOf = (client: Client, command: CredentialCommand) =>
  command === 'tokens' ? client.accessTokens : client.apiKeys;
const nounOf = (command: CredentialCommand) => (command === 'tokens' ? 'access token' : 'API key');

/** Shows the last characters of the secret; an imported credential has none. */
const formatHint = ({ hint }: Credential): string | null => (hint === '' ? null : `…${hint}`);

const COLUMNS: readonly Column<Credential>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'NAME', getValue: ({ name }) => name },
  { title: 'STATUS', getValue: ({ status }) => status },
  { title: 'ACCESS', getValue: (credential) => rightsOf(credential).join(' ') },
  { title: 'HINT', getValue: formatHint },
  { title: 'EXPIRES', getValue: ({ expiresAt }) => formatInstant(expiresAt, 'never') },
  { title: 'LAST USED', getValue: ({ lastUsedAt }) => formatInstant(lastUsedAt, 'never') },
  { title: 'USES', getValue: ({ useCount }) => useCount },
];

/** Lists the allowed projects or apps. Returns null if the credential is restricted only by the other kind. */
function formatResources({ projects, apps }: Credential['restrictions'], kind: 'projects' | 'apps'): string | null {
  if (projects.length + apps.length === 0) return 'any';
  return { projects, apps }[kind].join(' ') || null;
}

export const CREDENTIAL_DETAILS: readonly Column<Credential>[] = [
  { title: 'ID', getValue: ({ id }) => id },
  { title: 'Name', getValue: ({ name }) => name },
  { title: 'Status', getValue: ({ status }) => status },
  { title: 'Access', getValue: (credential) => rightsOf(credential).join(' ') },
  { title: 'Hint', getValue: formatHint },
  {
    title: 'Passphrase',
    getValue: (credential) => (credential.kind === 'access_token' && credential.hasPassphrase ? 'yes' : 'no'),
  },
  { title: 'Guard', getValue: (credential) => (credential.kind === 'api_key' && credential.guard ? 'yes' : 'no') },
  { title: 'Expires', getValue: ({ expiresAt }) => expiresAt ?? 'never' },
  { title: 'Addresses', getValue: ({ restrictions }) => restrictions.addresses.join(' ') || 'any' },
  { title: 'Projects', getValue: ({ restrictions }) => formatResources(restrictions, 'projects') },
  { title: 'Apps', getValue: ({ restrictions }) => formatResources(restrictions, 'apps') },
  { title: 'Rate', getValue: ({ restrictions }) => formatRate(restrictions.rate) },
  { title: 'Maximum uses', getValue: ({ restrictions }) => restrictions.maxUses ?? 'unlimited' },
  { title: 'Created', getValue: ({ createdAt, createdBy }) => `${createdAt} by ${createdBy?.name ?? 'unknown'}` },
  { title: 'Last used', getValue: ({ lastUsedAt }) => lastUsedAt ?? 'never' },
  { title: 'Uses', getValue: ({ useCount }) => useCount },
  { title: 'Replaces', getValue: ({ replaces }) => replaces },
  { title: 'Replaced by', getValue: ({ replacedBy }) => replacedBy },
];

/**
 * Finds a credential by its ID or its full name. Fails if `select` returns several of the credentials with that name.
 */
export async function requireCredential(
  client: Client,
  command: CredentialCommand,
  idOrName: string,
  select = (matches: readonly Credential[]): readonly Credential[] => matches,
): Promise<Credential> {
  if (/^(tok|key)_[0-9a-z]+$/.test(idOrName)) return apiOf(client, command).get(idOrName);
  const candidates = await Array.fromAsync<Credential>(apiOf(client, command).all({ q: idOrName }));
  const matches = select(candidates.filter(({ name }) => name === idOrName));
  const [match] = matches;
  if (match === undefined)
    throw new Failure(`No ${nounOf(command)} named ${idOrName} found. List all with: devpilot ${command} list`);
  if (matches.length > 1) {
    throw new Failure(
      `${matches.length} credentials are named ${idOrName}. Use an ID instead: ${matches.map(({ id }) => id).join(', ')}`,
    );
  }
  return match;
}

export interface ListOptions extends RemoteOptions {
  readonly search: string | undefined;
  readonly status: string | undefined;
  readonly right: string | undefined;
  readonly createdBy: string | undefined;
  readonly unusedForDays: string | undefined;
  readonly expiresWithinDays: string | undefined;
  readonly neverExpires: true | undefined;
  readonly violatesPolicy: true | undefined;
  readonly sort: string | undefined;
  readonly limit: string | undefined;
}

export async function listCredentials(command: CredentialCommand, options: ListOptions): Promise<void> {
  const client = connect(options);
  const limit = parseCount('--limit', options.limit) ?? Number.POSITIVE_INFINITY;
  const query = {
    q: options.search,
    // Not validated here: the server rejects unknown values with a message that lists the accepted ones.
    status: options.status as 'active',
    createdBy: options.createdBy,
    unusedForDays: parseCount('--unused-for-days', options.unusedForDays),
    expiresWithinDays: parseCount('--expires-within-days', options.expiresWithinDays),
    neverExpires: options.neverExpires,
    violatesPolicy: options.violatesPolicy,
    sort: options.sort as CredentialSort,
  };
  const credentials =
    command === 'tokens'
      ? client.accessTokens.all({ ...query, scope: options.right as 'all' })
      : client.apiKeys.all({ ...query, permission: options.right as 'read' });
  await printList(await takeFirst<Credential>(credentials, limit), COLUMNS, options);
}

export async function showCredential(
  command: CredentialCommand,
  idOrName: string,
  options: RemoteOptions,
): Promise<void> {
  const client = connect(options);
  const credential = await requireCredential(client, command, idOrName);
  if (options.json === true || options.quiet === true) return printDetails(credential, CREDENTIAL_DETAILS, options);
  const { rights, rightsSince } = await apiOf(client, command).uses(credential.id);
  const used = new Set<string>(rights.map(({ right }) => right));
  const grantedRights = rightsOf(credential).flatMap((right) =>
    right === 'all' ? SCOPES.filter((scope) => scope !== 'all') : right,
  );
  const unused = grantedRights.filter((right) => !used.has(right));
  const neverUsed: Column<Credential> = {
    title: 'Never used',
    getValue: () => (unused.length === 0 ? 'none' : `${unused.join(' ')} (since ${rightsSince})`),
  };
  await printDetails(credential, [...CREDENTIAL_DETAILS, neverUsed], options);
}

/** Deletes credentials. After this returns, no node accepts them. */
export async function deleteCredentials(
  command: CredentialCommand,
  idsOrNames: readonly string[],
  options: DeleteOptions,
): Promise<void> {
  const client = connect(options);
  const credentials = [];
  for (const idOrName of idsOrNames) credentials.push(await requireCredential(client, command, idOrName));
  await deleteItems(
    {
      items: credentials,
      label: ({ name }) => name,
      question: (list) => `Delete ${list}? Anything that uses a deleted credential stops working immediately.`,
      note: (list) => `Deleted ${list}.`,
      fields: ({ name }) => ({ name }),
      delete: (id) => apiOf(client, command).delete(id),
    },
    options,
  );
}

/** Prints a new credential: without `--json`, only the secret to standard output, and a note to standard error. */
export async function printCreated(created: Credential & { secret: string }, options: RemoteOptions): Promise<void> {
  if (options.json === true) {
    await printJson(created);
    return;
  }
  printNote(
    `Created ${created.name} (${created.id}), ${created.expiresAt === null ? 'never expires' : `expires ${created.expiresAt}`}.`,
    options,
  );
  printNote('Secret (shown only once):', options);
  await print(`${created.secret}\n`);
}
