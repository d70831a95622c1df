import { createHash } from 'node:crypto';
import { checkIfMatch } from '../../audit/if-match.ts';
import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import { toIsoString } from '../../contract/instant.ts';
import type { Page, ResourceQuery } from '../../contract/paging.ts';
import type { ServerKind } from '../../contract/platform-vocabulary.ts';
import { invalidField, Problem } from '../../contract/problem.ts';
import type { AcceptHostKey, CreateServer, Server, UpdateServer } from '../../contract/servers.ts';
import { isNodeLocalHost } from '../../outbound/addresses.ts';
import { generateKeyPair } from '../../runner/key-pair.ts';
import { updateResource } from '../../store/resources.ts';
import type { ServerTable } from '../../store/schema/resources.ts';
import type { Queryable } from '../../store/store.ts';
import { isOwnedByOperator } from '../../store/workspaces.ts';
import type { PlatformContext } from '../context.ts';
import { rejectIfInUse } from './projects.ts';
import {
  createResource,
  editResource,
  listResourcePage,
  type ResourceKind,
  removeResource,
  requireResource,
} from './resources.ts';
import { DEFAULT_SSH_PORT, serverKeyAssociatedData } from './run-target.ts';

/**
 * Valid hosts of a local server. Its host, port and user are only displayed, because Devpilot does not connect to it.
 */
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
    offeredHostKey: row.offered_host_key,
    publicKey: row.public_key,
    confirmed: row.confirmed === 1,
    createdAt: toIsoString(row.created_at),
    updatedAt: toIsoString(row.updated_at),
  };
}

/** Describes a connection: user, host, port and the fingerprint of the host key in OpenSSH's format. */
function connectionOf({ host, port, user, hostKey }: Server): string | null {
  if (host === null) return null;
  const bytes = Buffer.from(hostKey?.split(' ')[1] ?? '', 'base64');
  const fingerprint = `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
  return `${user}@${host} port ${port}, host key ${hostKey === null ? 'none' : fingerprint}`;
}

/** Returns the fields for the activity log, with the whole connection, even if an edit changes only one part of it. */
const auditFields = (server: Server) => ({ ...server, connection: connectionOf(server) });

const SERVER_KIND = { noun: 'server', serialize: serializeServer, auditFields } as const satisfies ResourceKind<
  'server',
  Server
>;

/** Throws `validation_failed` for a field that a server of this kind cannot have in this workspace. */
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
    if (typeof host === 'string' && isNodeLocalHost(host) && !(await ownedByOperator())) {
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
    throw invalidField('host', `must be one of ${[...LOCAL_HOSTS].join(', ')} for a local server`);
  }
}

function requireField(field: 'host' | 'user', value: string | null | undefined): string {
  if (value === undefined || value === null) throw invalidField(field, 'must be set for an ssh server');
  return value;
}

/** Returns a row with a new key pair. */
function withNewKeyPair(context: PlatformContext, row: ServerTable): ServerTable {
  const pair = generateKeyPair(`devpilot-${row.slug}`);
  const sealed = context.seal.seal(pair.privateKey, serverKeyAssociatedData(row));
  return { ...row, public_key: pair.publicKey, private_key_sealed: sealed };
}

/** Creates a server and, for ssh, the key pair with which Devpilot signs in. Throws `validation_failed`, `conflict`. */
export async function createServer(
  context: PlatformContext,
  request: RequestContext,
  input: CreateServer,
): Promise<Server> {
  await validateServerFields(context, context.store.read, request.workspaceId, input.kind, input);
  const blank = {
    offered_host_key: null,
    host: null,
    port: null,
    user_name: null,
    host_key: null,
    public_key: null,
    private_key_sealed: null,
  };
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
    // Confirmed if a signed-in person creates it, because only owners and admins can. One created with an access token
    // or API key must be confirmed.
    const row = { ...fields, kind: input.kind, ...connectionFields, confirmed: request.credential === null ? 1 : 0 };
    return input.kind === 'local' ? row : withNewKeyPair(context, row);
  });
}

/** Lists servers. Throws `validation_failed` for a cursor of another list. */
export function listServers(
  context: PlatformContext,
  workspaceId: string,
  query: ResourceQuery,
): Promise<Page<Server>> {
  return listResourcePage(context, workspaceId, SERVER_KIND, query);
}

/** Returns a server. Throws `not_found`. */
export async function getServer(context: PlatformContext, workspaceId: string, idOrSlug: string): Promise<Server> {
  return serializeServer(await requireResource(context.store.read, 'server', workspaceId, idOrSlug));
}

/** The columns that determine on which machine, and as which of its users, steps run. */
const CONNECTION_FIELDS = ['host', 'port', 'user_name', 'host_key'] as const;

/**
 * Returns a server after an edit. A change of the host, port, user or host key requires a confirmation, and creates a
 * new key pair, so that Devpilot cannot sign in to the new machine before the administrator of that machine authorizes
 * the new public key. Pinning the first host key creates no key pair, because Devpilot has never signed in with the
 * current one, and requires a confirmation only if the request was made with an access token or API key.
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
  return { ...withNewKeyPair(context, after), confirmed: 0, offered_host_key: null };
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

/**
 * Replaces the pinned host key with the host key that the last check received. Keeps the key pair, so that the same
 * public key can be authorized again on a reinstalled machine. Throws `not_found`, and `conflict` for another host key
 * or a failed `If-Match`.
 */
export async function acceptHostKey(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
  { hostKey }: AcceptHostKey,
): Promise<Server> {
  const now = context.clock();
  return context.store.transaction(async (trx) => {
    const before = await requireResource(trx, 'server', request.workspaceId, idOrSlug);
    checkIfMatch(request.ifMatch, serializeServer(before));
    if (before.offered_host_key !== hostKey) {
      const message = 'This is not the host key that the last check received. Check the connection again.';
      throw new Problem('conflict', message);
    }
    const after = { ...before, host_key: hostKey, offered_host_key: null, updated_at: now };
    await updateResource(trx, 'server', after);
    const target = { kind: 'server', id: after.id, name: after.name } as const;
    const previous = serializeServer(before);
    const current = serializeServer(after);
    await recordAuditEvent(trx, request, 'server.host_key_replaced', target, now, {
      before: { hostKey: previous.hostKey, connection: connectionOf(previous) },
      after: { hostKey: current.hostKey, connection: connectionOf(current) },
    });
    return current;
  });
}

/** Allows steps to run on a server. Throws `not_found`, and `conflict` if `If-Match` names another version. */
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

/**
 * Deletes a server. Throws `not_found`, and `conflict` if `If-Match` names another version or while apps or scripts use
 * the server.
 */
export function deleteServer(context: PlatformContext, request: RequestContext, idOrSlug: string): Promise<void> {
  return removeResource(context, request, SERVER_KIND, idOrSlug, (trx, row) => rejectIfInUse(trx, row, 'server'));
}
