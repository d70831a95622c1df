import { createHash } from 'node:crypto';
import { checkIfMatch } from '../../audit/if-match.ts';
import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import { toIsoString } from '../../contract/instant.ts';
import { SECOND } from '../../contract/limits.ts';
import type { Page, ResourceQuery } from '../../contract/paging.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import type { CreateServer, Server, ServerCheck, UpdateServer } from '../../contract/servers.ts';
import type { ServerKind } from '../../contract/vocabulary.ts';
import { generateKeyPair } from '../../runner/key-pair.ts';
import { namesNodeLocal } from '../../runner/node-local-address.ts';
import { type RunTarget, run } from '../../runner/run.ts';
import { scanHostKeys } from '../../runner/ssh.ts';
import {
  allowedAddresses,
  connect,
  NODE_LOCAL_REFUSED_MESSAGE,
  SshConnectFailure,
  UNREACHABLE_MESSAGE,
} from '../../runner/ssh-connection.ts';
import { updateResource } from '../../store/resources.ts';
import type { ServerTable } from '../../store/schema.ts';
import type { Queryable } from '../../store/store.ts';
import { isOwnedByOperator } from '../../store/workspaces.ts';
import type { PlatformContext } from '../context.ts';
import { refuseWhileInUse } from './projects.ts';
import {
  createResource,
  editResource,
  listResourcePage,
  type ResourceKind,
  removeResource,
  requireResource,
} from './resources.ts';

const DEFAULT_SSH_PORT = 22;
const CHECK_TIMEOUT_MS = 10 * SECOND;
/** Valid hosts of a local server; like its port and user the host is only shown, since nobody signs in there. */
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

function serializeServer(row: ServerTable): Server {
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
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

/** Describes where steps run: user, host, port and the fingerprint of the host key as OpenSSH writes it. */
function connectionOf({ host, port, user, hostKey }: Server): string | null {
  if (host === null) return null;
  const bytes = Buffer.from(hostKey?.split(' ')[1] ?? '', 'base64');
  const fingerprint = `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
  return `${user}@${host} port ${port}, host key ${hostKey === null ? 'none' : fingerprint}`;
}

/** Events of a server contain the whole connection, even if an edit changes one part of it. */
const auditFields = (shown: Server) => ({ ...shown, connection: connectionOf(shown) });
const SERVER_KIND = { noun: 'server', serialize: serializeServer, auditFields } as const satisfies ResourceKind<
  'server',
  Server
>;

/** The identity that a server's private key is bound to: no other row can use it. */
export const serverKeyAssociatedData = (row: { readonly id: string; readonly workspace_id: string }) =>
  `server ${row.workspace_id} ${row.id} private key`;

/** Throws `validation_failed` if a server of this kind has a field that it cannot have in this workspace. */
async function validateServerFields(
  context: PlatformContext,
  db: Queryable,
  workspaceId: string,
  kind: ServerKind,
  input: CreateServer | UpdateServer,
): Promise<void> {
  const { host } = input;
  const ownedByOperator = () => isOwnedByOperator(db, workspaceId);
  if (kind === 'ssh') {
    if (typeof host === 'string' && namesNodeLocal(host) && !(await ownedByOperator())) {
      throw invalidField(
        'host',
        'must not be loopback or link-local: that is only for workspaces that an operator owns',
      );
    }
    return;
  }
  if (!context.allowLocalServers) throw invalidField('kind', 'must be ssh: the operator has not allowed local servers');
  if (!(await ownedByOperator()))
    throw invalidField('kind', 'must be ssh: local servers are only for workspaces that an operator owns');
  if (input.hostKey !== undefined && input.hostKey !== null)
    throw invalidField('hostKey', 'must not be set for a local server');
  if (host !== undefined && host !== null && !LOCAL_HOSTS.has(host)) {
    throw invalidField('host', 'must not be another machine for a local server');
  }
}

function requireField(field: 'host' | 'user', value: string | null | undefined): string {
  if (value === undefined || value === null) throw invalidField(field, 'must be set for an ssh server');
  return value;
}

function withNewKeyPair(context: PlatformContext, row: ServerTable): ServerTable {
  const pair = generateKeyPair(`devpilot-${row.slug}`);
  const sealed = context.seal.seal(pair.privateKey, serverKeyAssociatedData(row));
  return { ...row, public_key: pair.publicKey, private_key_sealed: sealed };
}

/** Creates a server and, for ssh, the key pair that Devpilot signs in with. Throws `validation_failed`, `conflict`. */
export async function createServer(
  context: PlatformContext,
  request: RequestContext,
  input: CreateServer,
): Promise<Server> {
  await validateServerFields(context, context.store.read, request.workspaceId, input.kind, input);
  const blank = { host: null, port: null, user_name: null, host_key: null, public_key: null, private_key_sealed: null };
  const connectionFields =
    input.kind === 'local'
      ? { ...blank, host: input.host ?? null, port: input.port ?? null, user_name: input.user ?? null }
      : {
          ...blank,
          host: requireField('host', input.host),
          port: input.port ?? DEFAULT_SSH_PORT,
          user_name: requireField('user', input.user),
          host_key: input.hostKey ?? null,
        };
  return createResource(context, request, SERVER_KIND, input, (_, fields) => {
    // Only owners and admins can create one in person.
    const row = { ...fields, kind: input.kind, ...connectionFields, confirmed: request.credential === null ? 1 : 0 };
    return input.kind === 'local' ? row : withNewKeyPair(context, row);
  });
}

export function listServers(
  context: PlatformContext,
  workspaceId: string,
  query: ResourceQuery,
): Promise<Page<Server>> {
  return listResourcePage(context, workspaceId, SERVER_KIND, query);
}

export async function findServer(context: PlatformContext, workspaceId: string, idOrSlug: string): Promise<Server> {
  return serializeServer(await requireResource(context.store.read, 'server', workspaceId, idOrSlug));
}

/** Fields that determine which machine and account steps run on. */
const CONNECTION_FIELDS = ['host', 'port', 'user_name', 'host_key'] as const;

/**
 * Returns a server after an edit. A new host, port, user or host key creates a new key pair, which the other machine
 * has not installed, and nothing runs until a confirmation. The exception is the first host key that an owner or
 * admin pins: without one the server was never connected to.
 */
function resetTrustIfChanged(
  context: PlatformContext,
  request: RequestContext,
  before: ServerTable,
  after: ServerTable,
): ServerTable {
  if (before.kind === 'local' || CONNECTION_FIELDS.every((field) => before[field] === after[field])) return after;
  const pinsFirstHostKey =
    before.host_key === null &&
    CONNECTION_FIELDS.every((field) => field === 'host_key' || before[field] === after[field]);
  if (pinsFirstHostKey) return request.credential === null ? after : { ...after, confirmed: 0 };
  return { ...withNewKeyPair(context, after), confirmed: 0 };
}

/** Edits a server; its kind cannot change. Throws `not_found`, `validation_failed`, `conflict`. */
export function updateServer(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
  input: UpdateServer,
): Promise<Server> {
  return editResource(context, request, SERVER_KIND, idOrSlug, async (trx, before) => {
    await validateServerFields(context, trx, request.workspaceId, before.kind as ServerKind, input);
    return resetTrustIfChanged(context, request, before, {
      ...before,
      name: input.name ?? before.name,
      host: input.host ?? before.host,
      port: input.port ?? before.port,
      user_name: input.user ?? before.user_name,
      host_key: input.hostKey === undefined ? before.host_key : input.hostKey,
    });
  });
}

/** Allows steps to run on a server. Throws `not_found`, and `conflict` if `If-Match` names another state of it. */
export async function confirmServer(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
): Promise<Server> {
  const now = context.clock();
  return context.store.transaction(async (trx) => {
    const before = await requireResource(trx, 'server', request.workspaceId, idOrSlug);
    checkIfMatch(request.ifMatch, serializeServer(before));
    if (before.confirmed === 1) return serializeServer(before);
    const after = { ...before, confirmed: 1, updated_at: now };
    await updateResource(trx, 'server', after);
    const { host, port, user, hostKey, publicKey, connection } = auditFields(serializeServer(after));
    const target = { kind: 'server', id: after.id, name: after.name } as const;
    await recordAuditEvent(trx, request, 'server.confirmed', target, now, {
      host,
      port,
      user,
      hostKey,
      publicKey,
      connection,
    });
    return serializeServer(after);
  });
}

/** Throws `conflict` while apps use it. */
export function deleteServer(context: PlatformContext, request: RequestContext, idOrSlug: string): Promise<void> {
  return removeResource(context, request, SERVER_KIND, idOrSlug, (trx, row) => refuseWhileInUse(trx, row, 'server'));
}

/** Returns the connection data of an ssh server, its private key decrypted; null without a pinned host key. */
function toSshTarget(
  context: PlatformContext,
  row: ServerTable,
  nodeLocal: boolean,
): (RunTarget & { readonly kind: 'ssh' }) | null {
  const { host, port, user_name: user, host_key: hostKey, private_key_sealed: sealed } = row;
  if (host === null || port === null || user === null || hostKey === null || sealed === null) return null;
  const privateKey = context.seal.open(sealed, serverKeyAssociatedData(row));
  return {
    kind: 'ssh',
    host,
    port,
    user,
    hostKey,
    privateKey,
    allowNodeLocal: nodeLocal,
    retryDelaysMs: context.connectRetryDelays.start,
  };
}

/** Returns where steps on a server run. Throws `conflict`, with the remedy, if nothing may run on it. */
export async function resolveRunTarget(
  context: PlatformContext,
  row: ServerTable,
  db: Queryable = context.store.read,
): Promise<RunTarget> {
  if (row.confirmed === 0) {
    throw new Problem('conflict', `The server ${row.name} is not confirmed. An owner or admin must confirm it first.`);
  }
  const ownedByOperator = await isOwnedByOperator(db, row.workspace_id);
  if (row.kind === 'local') {
    if (!context.allowLocalServers) throw new Problem('conflict', 'The operator no longer allows local servers.');
    if (!ownedByOperator) throw new Problem('conflict', 'Local servers are only for workspaces that an operator owns.');
    return { kind: 'local' };
  }
  const target = toSshTarget(context, row, ownedByOperator);
  if (target === null) {
    throw new Problem(
      'conflict',
      `No host key is pinned for the server ${row.name}. Check the connection, then set hostKey.`,
    );
  }
  return target;
}

/** Messages of OpenSSH's client about a host key other than the pinned one. */
const HOST_KEY_MISMATCH = /Host key verification failed|no matching host key type found/;

/** Returns the best host key of a server; null if it cannot be reached. Throws `SshConnectFailure`. */
async function scanBestHostKey(row: ServerTable, nodeLocal: boolean): Promise<string | null> {
  const [address = ''] = await allowedAddresses({ host: row.host ?? '', allowNodeLocal: nodeLocal });
  const [bestHostKey = null] = await scanHostKeys(address, row.port ?? DEFAULT_SSH_PORT, CHECK_TIMEOUT_MS);
  return bestHostKey;
}

async function checkSshServer(context: PlatformContext, row: ServerTable): Promise<ServerCheck> {
  const nodeLocal = await isOwnedByOperator(context.store.read, row.workspace_id);
  const target = toSshTarget(context, row, nodeLocal);
  const failedCheck = (message: string, hostKey: string | null): ServerCheck => ({ ok: false, message, hostKey });
  try {
    if (target === null) {
      const bestHostKey = await scanBestHostKey(row, nodeLocal);
      if (bestHostKey === null) return failedCheck(UNREACHABLE_MESSAGE, null);
      return failedCheck(
        "No host key is pinned yet. Compare the key shown with the server's, then set it.",
        bestHostKey,
      );
    }
    const singleAttempt = { ...target, retryDelaysMs: [] } satisfies RunTarget;
    const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
    if (row.confirmed === 0) {
      await (await connect(singleAttempt, signal)).close();
      const message = 'Signed in. No commands run on the server until it is confirmed.';
      return { ok: true, message, hostKey: target.hostKey };
    }
    const outcome = await run(singleAttempt, { command: { argv: ['true'] } }, signal);
    if (outcome.exitCode === 0) return { ok: true, message: 'Connected.', hostKey: target.hostKey };
    throw new SshConnectFailure(outcome.problem ?? UNREACHABLE_MESSAGE, outcome.problem === null);
  } catch (error) {
    // The time for connecting has expired.
    if (error instanceof DOMException && error.name === 'TimeoutError') return failedCheck(UNREACHABLE_MESSAGE, null);
    if (!(error instanceof SshConnectFailure)) throw error;
    const { message } = error;
    if (HOST_KEY_MISMATCH.test(message)) {
      const shownHostKey = await scanBestHostKey(row, nodeLocal);
      return failedCheck('The host key differs from the pinned one. Nothing was sent to the host.', shownHostKey);
    }
    const wasReached = message !== UNREACHABLE_MESSAGE && message !== NODE_LOCAL_REFUSED_MESSAGE && target !== null;
    return failedCheck(message, wasReached ? target.hostKey : null);
  }
}

/** Tries to connect, for at most ten seconds, and returns the result. Throws `not_found`. */
export async function checkServer(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
): Promise<ServerCheck> {
  const row = await requireResource(context.store.read, 'server', request.workspaceId, idOrSlug);
  if (row.kind === 'local') await resolveRunTarget(context, { ...row, confirmed: 1 });
  const check =
    row.kind === 'local'
      ? { ok: true, message: 'This is the machine that runs Devpilot.', hostKey: null }
      : await checkSshServer(context, row);
  await context.store.transaction((trx) =>
    recordAuditEvent(trx, request, 'server.checked', { kind: 'server', id: row.id, name: row.name }, context.clock(), {
      ok: check.ok,
    }),
  );
  return check;
}
