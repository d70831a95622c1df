import type { CreateServer, Server, UpdateServer } from '../contract/resources.ts';
import type { ResourceListQuery } from '../sdk/client.ts';
import { type Common, connect } from './connect.ts';
import { EXIT } from './failure.ts';
import { confirm, readCount } from './input.ts';
import { note, plain, print, printJson, showInstant } from './output.ts';
import { startProgress } from './progress.ts';
import { type BodyOptions, commandsOf, given } from './resources.ts';

export const servers = commandsOf<Server, ResourceListQuery, CreateServer, UpdateServer>({
  noun: 'server',
  loss: 'Its key pair goes with it; nothing may hang on it.',
  of: (client) => client.servers,
  columns: [
    { title: 'ID', of: ({ id }) => id },
    { title: 'SLUG', of: ({ slug }) => slug },
    { title: 'NAME', of: ({ name }) => name },
    { title: 'KIND', of: ({ kind }) => kind },
    { title: 'HOST', of: ({ host, port }) => (host === null ? null : `${host}:${port}`) },
    { title: 'USER', of: ({ user }) => user },
    { title: 'HOST KEY', of: ({ hostKey }) => (hostKey === null ? null : 'pinned') },
    { title: 'CONFIRMED', of: ({ confirmed }) => (confirmed ? 'yes' : 'no') },
    { title: 'CREATED', of: ({ createdAt }) => showInstant(createdAt, 'never') },
  ],
  facts: [
    { title: 'Id', of: ({ id }) => id },
    { title: 'Name', of: ({ name }) => name },
    { title: 'Slug', of: ({ slug }) => slug },
    { title: 'Kind', of: ({ kind }) => kind },
    { title: 'Host', of: ({ host }) => host },
    { title: 'Port', of: ({ port }) => port },
    { title: 'User', of: ({ user }) => user },
    { title: 'Host key', of: ({ hostKey }) => hostKey },
    { title: 'Public key', of: ({ publicKey }) => publicKey },
    { title: 'Confirmed', of: ({ confirmed }) => (confirmed ? 'yes' : 'no: nothing runs on it') },
    { title: 'Created', of: ({ createdAt }) => createdAt },
    { title: 'Changed', of: ({ updatedAt }) => updatedAt },
  ],
});

export interface ServerOptions extends BodyOptions {
  readonly name?: string;
  readonly slug?: string;
  readonly kind?: string;
  readonly host?: string;
  readonly port?: string;
  readonly user?: string;
  readonly hostKey?: string;
}

/** The fields of a server that options name. */
export function serverFields({ name, slug, kind, host, user, hostKey, ...options }: ServerOptions): object {
  const port = readCount('--port', options.port);
  return { ...given({ name, slug, kind, host, user, hostKey }), ...(port !== undefined && { port }) };
}

/** Tries a server with its pinned host key; fails with what was wrong. */
export async function checkServer(named: string, options: Common): Promise<void> {
  const client = connect(options);
  const progress = startProgress('Connecting …', options.quiet);
  const check = await client.servers.check(named).finally(() => progress.end());
  if (!check.ok) process.exitCode = EXIT.failed;
  if (options.json === true) return printJson(check);
  note(plain(check.message), check.ok ? options : {});
  if (check.hostKey !== null) await print(`${plain(check.hostKey)}\n`);
}

/** Confirms a server as it is shown here, not as it may have become meanwhile. */
export async function confirmServer(named: string, options: Common & { readonly yes?: true }): Promise<void> {
  const client = connect(options);
  const { value: server, tag } = await client.servers.read(named);
  const { id, name, kind, host, port, user, hostKey } = server;
  const where = kind === 'local' ? 'this machine' : `${user}@${host}, port ${port}, host key ${hostKey ?? 'none'}`;
  await confirm(`Let steps run on the server ${plain(name)}: ${plain(where)}?`, options.yes);
  const confirmed = await client.servers.confirm(id, { ifMatch: tag });
  if (options.json === true) return printJson(confirmed);
  note(`Confirmed the server ${plain(confirmed.name)}.`, options);
}
