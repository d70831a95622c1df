import { createHash } from 'node:crypto';
import { invalidField, Problem } from '../contract/problem.ts';
import type { CreateServer, ResourceQuery, Server, ServerCheck, UpdateServer } from '../contract/resources.ts';
import type { Page } from '../contract/schemas.ts';
import { SECOND, type ServerKind } from '../contract/words.ts';
import { updateResource } from '../store/resources.ts';
import type { ServerTable } from '../store/schema.ts';
import type { Queryable } from '../store/store.ts';
import { isOwnedByOperator } from '../store/workspaces.ts';
import { type Asker, checkTag, instant, record, type WorkspaceContext } from './context.ts';
import { refuseWhileItHolds } from './projects.ts';
import { createResource, editResource, findRow, listPage, removeResource } from './resources.ts';
import { namesNodeLocal } from './runner/address.ts';
import { allowedAddresses, ConnectFailure, connect, NODE_LOCAL_REFUSED, UNREACHABLE } from './runner/connection.ts';
import { makeKeyPair } from './runner/key-pair.ts';
import { run, type Target } from './runner/run.ts';
import { scanHostKeys } from './runner/ssh.ts';

const SSH_PORT = 22;
const CHECK_WITHIN = 10 * SECOND;
/** What a local server's host can be; like its port and user it is only shown, for nobody signs in there. */
const THIS_MACHINE: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

function showServer(row: ServerTable): Server {
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    kind: row.kind as ServerKind,
    host: row.host,
    port: row.port,
    user: row.user_name,
    hostKey: row.host_key,
    publicKey: row.public_key,
    confirmed: row.confirmed === 1,
    createdAt: instant(row.created_at),
    updatedAt: instant(row.updated_at),
  };
}

/** Where steps run, in one text: user, host, port and the fingerprint of the host key as OpenSSH writes it. */
function connectionOf({ host, port, user, hostKey }: Server): string | null {
  if (host === null) return null;
  const bytes = Buffer.from(hostKey?.split(' ')[1] ?? '', 'base64');
  const fingerprint = `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
  return `${user}@${host} port ${port}, host key ${hostKey === null ? 'none' : fingerprint}`;
}

/** Events of a server name the whole connection, also where an edit changes one part of it. */
const forLog = (shown: Server) => ({ ...shown, connection: connectionOf(shown) });
const SERVER = { noun: 'server', show: showServer, forLog } as const;

/** What a server's private key is sealed for: no other row can use it. */
export const serverKeyIdentity = (row: { readonly id: string; readonly workspace_id: string }) =>
  `server ${row.workspace_id} ${row.id} private key`;

/** Throws `validation_failed` where a server of this kind has a field that it cannot have in this workspace. */
async function checkFields(
  context: WorkspaceContext,
  db: Queryable,
  workspaceId: string,
  kind: ServerKind,
  input: CreateServer | UpdateServer,
): Promise<void> {
  const { host } = input;
  const operators = () => isOwnedByOperator(db, workspaceId);
  if (kind === 'ssh') {
    if (typeof host === 'string' && namesNodeLocal(host) && !(await operators())) {
      throw invalidField('host', 'is loopback or link-local, which is only for workspaces that an operator owns');
    }
    return;
  }
  if (!context.localServer) throw invalidField('kind', 'must be ssh: the operator has not allowed local servers');
  if (!(await operators()))
    throw invalidField('kind', 'must be ssh: local servers are only for workspaces that an operator owns');
  if (input.hostKey !== undefined && input.hostKey !== null) throw invalidField('hostKey', 'is not for a local server');
  if (host !== undefined && host !== null && !THIS_MACHINE.has(host)) {
    throw invalidField('host', 'names another machine, which a local server is not');
  }
}

function required(field: 'host' | 'user', value: string | null | undefined): string {
  if (value === undefined || value === null) throw invalidField(field, 'is needed for an ssh server');
  return value;
}

function withNewKeyPair(context: WorkspaceContext, row: ServerTable): ServerTable {
  const pair = makeKeyPair(`devpilot-${row.slug}`);
  const sealed = context.seal.seal(pair.privateKey, serverKeyIdentity(row));
  return { ...row, public_key: pair.publicKey, private_key_sealed: sealed };
}

/** Makes a server and, for ssh, the key pair that Devpilot will present. Throws `validation_failed`, `conflict`. */
export async function createServer(context: WorkspaceContext, asker: Asker, input: CreateServer): Promise<Server> {
  await checkFields(context, context.store.read, asker.workspaceId, input.kind, input);
  const blank = { host: null, port: null, user_name: null, host_key: null, public_key: null, private_key_sealed: null };
  const place =
    input.kind === 'local'
      ? { ...blank, host: input.host ?? null, port: input.port ?? null, user_name: input.user ?? null }
      : {
          ...blank,
          host: required('host', input.host),
          port: input.port ?? SSH_PORT,
          user_name: required('user', input.user),
          host_key: input.hostKey ?? null,
        };
  return createResource(context, asker, SERVER, input, (_, facts) => {
    // Access lets only owners and admins create one in person.
    const row = { ...facts, kind: input.kind, ...place, confirmed: asker.credential === null ? 1 : 0 };
    return input.kind === 'local' ? row : withNewKeyPair(context, row);
  });
}

export function listServers(
  context: WorkspaceContext,
  workspaceId: string,
  query: ResourceQuery,
): Promise<Page<Server>> {
  return listPage(context, workspaceId, SERVER, query);
}

export async function findServer(context: WorkspaceContext, workspaceId: string, idOrSlug: string): Promise<Server> {
  return showServer(await findRow(context.store.read, 'server', workspaceId, idOrSlug));
}

/** What decides which machine and account steps run on. */
const REACHED_BY = ['host', 'port', 'user_name', 'host_key'] as const;

/**
 * A server after an edit. Another host, port, user or host key makes a new key pair, which the other place
 * has not installed, and nothing runs until a confirmation. Only the first host key that an owner or admin
 * pins changes nothing: without one the server was never connected to.
 */
function afterEdit(context: WorkspaceContext, asker: Asker, before: ServerTable, after: ServerTable): ServerTable {
  if (before.kind === 'local' || REACHED_BY.every((field) => before[field] === after[field])) return after;
  const onlyFirstPin =
    before.host_key === null && REACHED_BY.every((field) => field === 'host_key' || before[field] === after[field]);
  if (onlyFirstPin) return asker.credential === null ? after : { ...after, confirmed: 0 };
  return { ...withNewKeyPair(context, after), confirmed: 0 };
}

/** Edits a server; its kind stays. Throws `not_found`, `validation_failed`, `conflict`. */
export function updateServer(
  context: WorkspaceContext,
  asker: Asker,
  idOrSlug: string,
  input: UpdateServer,
): Promise<Server> {
  return editResource(context, asker, SERVER, idOrSlug, async (trx, before) => {
    await checkFields(context, trx, asker.workspaceId, before.kind as ServerKind, input);
    return afterEdit(context, asker, before, {
      ...before,
      name: input.name ?? before.name,
      host: input.host ?? before.host,
      port: input.port ?? before.port,
      user_name: input.user ?? before.user_name,
      host_key: input.hostKey === undefined ? before.host_key : input.hostKey,
    });
  });
}

/** Lets steps run on a server. Throws `not_found`, and `conflict` where `If-Match` names another state of it. */
export async function confirmServer(context: WorkspaceContext, asker: Asker, idOrSlug: string): Promise<Server> {
  const now = context.clock();
  return context.store.transaction(async (trx) => {
    const before = await findRow(trx, 'server', asker.workspaceId, idOrSlug);
    checkTag(asker.ifMatch, showServer(before));
    if (before.confirmed === 1) return showServer(before);
    const after = { ...before, confirmed: 1, updated_at: now };
    await updateResource(trx, 'server', after);
    const { host, port, user, hostKey, publicKey, connection } = forLog(showServer(after));
    const target = { kind: 'server', id: after.id, name: after.name } as const;
    await record(trx, asker, 'server.confirmed', target, now, { host, port, user, hostKey, publicKey, connection });
    return showServer(after);
  });
}

/** Throws `conflict` while apps use it. */
export function deleteServer(context: WorkspaceContext, asker: Asker, idOrSlug: string): Promise<void> {
  return removeResource(context, asker, SERVER, idOrSlug, (trx, row) => refuseWhileItHolds(trx, row, 'server'));
}

/** How to reach an ssh server, its private key opened; null without a pinned host key. */
function sshTargetOf(
  context: WorkspaceContext,
  row: ServerTable,
  nodeLocal: boolean,
): (Target & { readonly kind: 'ssh' }) | null {
  const { host, port, user_name: user, host_key: hostKey, private_key_sealed: sealed } = row;
  if (host === null || port === null || user === null || hostKey === null || sealed === null) return null;
  const privateKey = context.seal.open(sealed, serverKeyIdentity(row));
  return { kind: 'ssh', host, port, user, hostKey, privateKey, nodeLocal, pauses: context.connecting.begin };
}

/** Where steps on a server run. Throws `conflict` where nothing may run on it, with what to do. */
export async function targetOf(
  context: WorkspaceContext,
  row: ServerTable,
  db: Queryable = context.store.read,
): Promise<Target> {
  if (row.confirmed === 0) {
    throw new Problem('conflict', `The server ${row.name} is not confirmed. An owner or admin must confirm it first.`);
  }
  const operators = await isOwnedByOperator(db, row.workspace_id);
  if (row.kind === 'local') {
    if (!context.localServer) throw new Problem('conflict', 'The operator does not allow local servers any more.');
    if (!operators) throw new Problem('conflict', 'Local servers are only for workspaces that an operator owns.');
    return { kind: 'local' };
  }
  const target = sshTargetOf(context, row, operators);
  if (target === null) {
    throw new Problem('conflict', `No host key is pinned for the server ${row.name}. Check it, then set its hostKey.`);
  }
  return target;
}

/** What OpenSSH's client says of a host that shows another key than the pinned one. */
const OTHER_KEY = /Host key verification failed|no matching host key type found/;

/** The best host key that a server shows; null where it is not reached. Throws `ConnectFailure`. */
async function scan(row: ServerTable, nodeLocal: boolean): Promise<string | null> {
  const [address = ''] = await allowedAddresses({ host: row.host ?? '', nodeLocal });
  const [best = null] = await scanHostKeys(address, row.port ?? SSH_PORT, CHECK_WITHIN);
  return best;
}

async function checkSsh(context: WorkspaceContext, row: ServerTable): Promise<ServerCheck> {
  const nodeLocal = await isOwnedByOperator(context.store.read, row.workspace_id);
  const target = sshTargetOf(context, row, nodeLocal);
  const failed = (message: string, hostKey: string | null): ServerCheck => ({ ok: false, message, hostKey });
  try {
    if (target === null) {
      const best = await scan(row, nodeLocal);
      if (best === null) return failed(UNREACHABLE, null);
      return failed('No host key is pinned yet. Compare the one shown with the server, then set it.', best);
    }
    const once = { ...target, pauses: [] };
    const signal = AbortSignal.timeout(CHECK_WITHIN);
    if (row.confirmed === 0) {
      await (await connect(once, signal)).close();
      const message = 'Signed in. Nothing runs there until the server is confirmed.';
      return { ok: true, message, hostKey: target.hostKey };
    }
    const outcome = await run(once, { command: { argv: ['true'] } }, signal);
    if (outcome.exitCode === 0) return { ok: true, message: 'Connected.', hostKey: target.hostKey };
    throw new ConnectFailure(outcome.problem ?? UNREACHABLE, outcome.problem === null);
  } catch (error) {
    // The time for connecting is over.
    if (error instanceof DOMException && error.name === 'TimeoutError') return failed(UNREACHABLE, null);
    if (!(error instanceof ConnectFailure)) throw error;
    const { message } = error;
    if (OTHER_KEY.test(message)) {
      const other = await scan(row, nodeLocal);
      return failed('The host shows another key than the pinned one. Nothing was sent to it.', other);
    }
    const heard = message !== UNREACHABLE && message !== NODE_LOCAL_REFUSED && target !== null;
    return failed(message, heard ? target.hostKey : null);
  }
}

/** Tries to connect, for at most ten seconds, and says what came of it. Throws `not_found`. */
export async function checkServer(context: WorkspaceContext, asker: Asker, idOrSlug: string): Promise<ServerCheck> {
  const row = await findRow(context.store.read, 'server', asker.workspaceId, idOrSlug);
  if (row.kind === 'local') await targetOf(context, { ...row, confirmed: 1 });
  const check =
    row.kind === 'local'
      ? { ok: true, message: 'This is the machine that Devpilot runs on.', hostKey: null }
      : await checkSsh(context, row);
  await context.store.transaction((trx) =>
    record(trx, asker, 'server.checked', { kind: 'server', id: row.id, name: row.name }, context.clock(), {
      ok: check.ok,
    }),
  );
  return check;
}
