import { createHash } from 'node:crypto';
import type { CreateServer, Server, ServerResources, UpdateServer } from '../contract/servers.ts';
import type { ResourceListQuery } from '../sdk/client.ts';
import { connect, type RemoteOptions } from './connect.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { confirm, parseCount } from './input.ts';
import { countOf, formatInstant, print, printJson, printNote, sanitizeInline } from './output.ts';
import { startProgress } from './progress.ts';
import { type BodyOptions, definedFields, resourceCommandsFor } from './resources.ts';

export const servers = resourceCommandsFor<Server, ResourceListQuery, CreateServer, UpdateServer>({
  noun: 'server',
  deleteWarning: 'The key pair is deleted too. A server that an app or script uses cannot be deleted.',
  endpoint: (client) => client.servers,
  columns: [
    { title: 'ID', getValue: ({ id }) => id },
    { title: 'SLUG', getValue: ({ slug }) => slug },
    { title: 'NAME', getValue: ({ name }) => name },
    { title: 'KIND', getValue: ({ kind }) => kind },
    { title: 'HOST', getValue: ({ host, port }) => (host === null ? null : `${host}:${port}`) },
    { title: 'USER', getValue: ({ user }) => user },
    { title: 'HOST KEY', getValue: ({ hostKey }) => (hostKey === null ? null : 'pinned') },
    { title: 'CONFIRMED', getValue: ({ confirmed }) => (confirmed ? 'yes' : 'no') },
    { title: 'CREATED', getValue: ({ createdAt }) => formatInstant(createdAt, 'never') },
  ],
  detailFields: [
    { title: 'ID', getValue: ({ id }) => id },
    { title: 'Name', getValue: ({ name }) => name },
    { title: 'Slug', getValue: ({ slug }) => slug },
    { title: 'Kind', getValue: ({ kind }) => kind },
    { title: 'Host', getValue: ({ host }) => host },
    { title: 'Port', getValue: ({ port }) => port },
    { title: 'User', getValue: ({ user }) => user },
    { title: 'Host key', getValue: ({ hostKey }) => hostKey },
    { title: 'Received host key', getValue: ({ offeredHostKey }) => offeredHostKey },
    { title: 'Public key', getValue: ({ publicKey }) => publicKey },
    { title: 'Confirmed', getValue: ({ confirmed }) => (confirmed ? 'yes' : 'no; jobs cannot run on it') },
    { title: 'Created', getValue: ({ createdAt }) => createdAt },
    { title: 'Updated', getValue: ({ updatedAt }) => updatedAt },
  ],
});

export interface ServerOptions extends BodyOptions {
  readonly name: string | undefined;
  readonly slug: string | undefined;
  readonly kind: string | undefined;
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly user: string | undefined;
  readonly hostKey: string | undefined;
}

/** Returns the fields of a server that the options set. */
export function serverFields({ name, slug, kind, host, user, hostKey, ...options }: ServerOptions): object {
  const port = parseCount('--port', options.port);
  return { ...definedFields({ name, slug, kind, host, user, hostKey }), ...(port !== undefined && { port }) };
}

/** Checks the connection to a server with its pinned host key, and prints the result. Exits with code 1 if it fails. */
export async function checkServer(idOrSlug: string, options: RemoteOptions): Promise<void> {
  const client = connect(options);
  const progress = startProgress('Connecting …', options.quiet);
  const check = await client.servers.check(idOrSlug).finally(() => progress.end());
  if (!check.ok) process.exitCode = EXIT_CODES.failed;
  if (options.json === true) return printJson(check);
  printNote(sanitizeInline(check.message), check.ok ? options : {});
  for (const hostKey of check.hostKeys) await print(`${sanitizeInline(hostKey)}\n`);
  if (check.resources !== null) printResources(check.resources, options);
}

const formatGibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

function printResources({ disks, memory, load, cpuCount }: ServerResources, options: RemoteOptions): void {
  for (const { directory, freeBytes, totalBytes } of disks)
    printNote(
      `${sanitizeInline(directory)}: ${formatGibibytes(freeBytes)} of ${formatGibibytes(totalBytes)} free`,
      options,
    );
  if (memory !== null)
    printNote(
      `Memory: ${formatGibibytes(memory.availableBytes)} of ${formatGibibytes(memory.totalBytes)} available`,
      options,
    );
  if (load !== null)
    printNote(`Load: ${load.join(' ')}${cpuCount === null ? '' : ` on ${countOf(cpuCount, 'CPU')}`}`, options);
}

/** Returns the fingerprint of a public key in the format of OpenSSH. */
function fingerprintOf(publicKey: string): string {
  const [type = '', base64 = ''] = publicKey.split(' ');
  const digest = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64');
  return `${sanitizeInline(type)} SHA256:${digest.replace(/=+$/, '')}`;
}

/** Pins the host key that the last check received, after showing it together with the pinned one. */
export async function acceptHostKey(
  idOrSlug: string,
  options: RemoteOptions & { readonly yes: true | undefined },
): Promise<void> {
  const client = connect(options);
  const { value: server, tag: etag } = await client.servers.read(idOrSlug);
  const { id, name, hostKey, offeredHostKey } = server;
  if (offeredHostKey === null)
    throw new Failure(
      `No changed host key of ${name} is waiting to be accepted. Check the connection with: devpilot servers check ${id}`,
    );
  printNote(`Pinned:   ${hostKey === null ? 'none' : fingerprintOf(hostKey)}`, options);
  printNote(`Received: ${fingerprintOf(offeredHostKey)}`, options);
  const question = `Trust the received host key of ${sanitizeInline(name)}? First compare it with the host key on the server.`;
  await confirm(question, options.yes);
  const changed = await client.servers.acceptHostKey(id, offeredHostKey, { ifMatch: etag });
  if (options.json === true) return printJson(changed);
  printNote(`Pinned the new host key of ${sanitizeInline(name)}.`, options);
}

/** Confirms the connection settings of a server. Fails if they were changed after they were shown to the user. */
export async function confirmServer(
  idOrSlug: string,
  options: RemoteOptions & { readonly yes: true | undefined },
): Promise<void> {
  const client = connect(options);
  const { value: server, tag: etag } = await client.servers.read(idOrSlug);
  const { id, name, kind, host, port, user, hostKey } = server;
  const connectionSummary =
    kind === 'local'
      ? 'the machine that runs Devpilot'
      : `${user}@${host}, port ${port}, host key ${hostKey ?? 'none'}`;
  await confirm(
    `Allow jobs to run on server ${sanitizeInline(name)}: ${sanitizeInline(connectionSummary)}?`,
    options.yes,
  );
  const confirmed = await client.servers.confirm(id, { ifMatch: etag });
  if (options.json === true) return printJson(confirmed);
  printNote(`Confirmed server ${sanitizeInline(confirmed.name)}.`, options);
}
