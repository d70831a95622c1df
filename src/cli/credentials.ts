import type { AccessToken, ApiKey } from '../contract/schemas.ts';
import type { CredentialSort } from '../contract/words.ts';
import type { Client } from '../sdk/client.ts';
import { type Common, connect } from './connect.ts';
import { Failure } from './failure.ts';
import { confirm, readCount } from './input.ts';
import { type Column, note, print, printJson, printList, printOne, showInstant } from './output.ts';

/** What the commands of access tokens and those of API keys have in common. */
export type Credential = AccessToken | ApiKey;
export type Noun = 'tokens' | 'keys';

export const rightsOf = (credential: Credential): readonly string[] =>
  credential.kind === 'access_token' ? credential.scopes : credential.permissions;
const nounOf = (noun: Noun) => (noun === 'tokens' ? 'access token' : 'API key');

const COLUMNS: readonly Column<Credential>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'NAME', of: ({ name }) => name },
  { title: 'STATUS', of: ({ status }) => status },
  { title: 'RIGHTS', of: (credential) => rightsOf(credential).join(' ') },
  { title: 'HINT', of: ({ hint }) => `…${hint}` },
  { title: 'EXPIRES', of: ({ expiresAt }) => showInstant(expiresAt, 'never') },
  { title: 'LAST USE', of: ({ lastUsedAt }) => showInstant(lastUsedAt, 'never') },
  { title: 'USES', of: ({ useCount }) => useCount },
];

export const FACTS: readonly Column<Credential>[] = [
  { title: 'Id', of: ({ id }) => id },
  { title: 'Name', of: ({ name }) => name },
  { title: 'Status', of: ({ status }) => status },
  { title: 'Rights', of: (credential) => rightsOf(credential).join(' ') },
  { title: 'Hint', of: ({ hint }) => `…${hint}` },
  {
    title: 'Passphrase',
    of: (credential) => (credential.kind === 'access_token' && credential.hasPassphrase ? 'yes' : 'no'),
  },
  { title: 'Guard', of: (credential) => (credential.kind === 'api_key' && credential.guard ? 'yes' : 'no') },
  { title: 'Expires', of: ({ expiresAt }) => expiresAt ?? 'never' },
  { title: 'Created', of: ({ createdAt, createdBy }) => `${createdAt} by ${createdBy?.name ?? 'nobody known'}` },
  { title: 'Last use', of: ({ lastUsedAt }) => lastUsedAt ?? 'never' },
  { title: 'Uses', of: ({ useCount }) => useCount },
];

/** Finds a credential by its id or its whole name. Fails if several have the name. */
export async function findCredential(client: Client, noun: Noun, named: string): Promise<Credential> {
  if (/^(tok|key)_[0-9a-z]+$/.test(named)) {
    return noun === 'tokens' ? client.accessTokens.get(named) : client.apiKeys.get(named);
  }
  const found: Credential[] = await Array.fromAsync<Credential>(
    noun === 'tokens' ? client.accessTokens.all({ q: named }) : client.apiKeys.all({ q: named }),
  );
  const same = found.filter(({ name }) => name === named);
  const [only] = same;
  if (only === undefined) throw new Failure(`There is no ${nounOf(noun)} named ${named}.`);
  if (same.length > 1) {
    throw new Failure(`${same.length} are named ${named}. Give an id: ${same.map(({ id }) => id).join(', ')}`);
  }
  return only;
}

export interface ListOptions extends Common {
  readonly search?: string;
  readonly status?: string;
  readonly right?: string;
  readonly createdBy?: string;
  readonly unusedForDays?: string;
  readonly sort?: string;
  readonly limit?: string;
}

export async function listCredentials(noun: Noun, options: ListOptions): Promise<void> {
  const client = connect(options);
  const most = readCount('--limit', options.limit) ?? Number.POSITIVE_INFINITY;
  const query = {
    q: options.search,
    // The server knows which words there are, and says so.
    status: options.status as 'active',
    createdBy: options.createdBy,
    unusedForDays: readCount('--unused-for-days', options.unusedForDays),
    sort: options.sort as CredentialSort,
  };
  const list =
    noun === 'tokens'
      ? client.accessTokens.all({ ...query, scope: options.right as 'all' })
      : client.apiKeys.all({ ...query, permission: options.right as 'read' });
  const credentials: Credential[] = [];
  for await (const credential of list) {
    if (credentials.length >= most) break;
    credentials.push(credential);
  }
  await printList(credentials, COLUMNS, options);
}

export async function showCredential(noun: Noun, named: string, options: Common): Promise<void> {
  await printOne(await findCredential(connect(options), noun, named), FACTS, options);
}

export interface DeleteOptions extends Common {
  readonly yes?: true;
}

/** Deletes; when it returns, nothing accepts the credentials any more. */
export async function deleteCredentials(noun: Noun, names: readonly string[], options: DeleteOptions): Promise<void> {
  const client = connect(options);
  const credentials = [];
  for (const named of names) credentials.push(await findCredential(client, noun, named));
  const list = credentials.map(({ name, id }) => `${name} (${id})`).join(', ');
  await confirm(`Delete ${list}? Whatever presents it is refused at once.`, options.yes);
  for (const { id } of credentials) {
    await (noun === 'tokens' ? client.accessTokens.delete(id) : client.apiKeys.delete(id));
  }
  if (options.json === true) await printJson(credentials.map(({ id, name }) => ({ id, name, deleted: true })));
  else note(`Deleted ${list}.`, options);
}

/** Prints what was created: the secret alone on standard output, everything else beside it. */
export async function printCreated(created: Credential & { secret: string }, options: Common): Promise<void> {
  if (options.json === true) {
    await printJson(created);
    return;
  }
  note(
    `Created ${created.name} (${created.id}), ${created.expiresAt === null ? 'never expires' : `expires ${created.expiresAt}`}.`,
    options,
  );
  note('The secret, shown only this once:', options);
  await print(`${created.secret}\n`);
}
