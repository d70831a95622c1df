import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import { SECOND } from '../../contract/limits.ts';
import type { ServerCheck } from '../../contract/servers.ts';
import { type RunTarget, run } from '../../runner/run.ts';
import { scanHostKeys } from '../../runner/ssh.ts';
import {
  allowedAddresses,
  connect,
  createConnectionPool,
  NODE_LOCAL_REFUSED_MESSAGE,
  SshConnectFailure,
  UNREACHABLE_MESSAGE,
} from '../../runner/ssh-connection.ts';
import type { ServerTable } from '../../store/schema/resources.ts';
import { listAppDirectories, setOfferedHostKey } from '../../store/servers.ts';
import { isOwnedByOperator } from '../../store/workspaces.ts';
import type { PlatformContext } from '../context.ts';
import { runConnectionCheck } from './connection-checks.ts';
import { requireResource } from './resources.ts';
import { DEFAULT_SSH_PORT, resolveRunTarget, toSshTarget } from './run-target.ts';
import { readServerResources } from './server-resources.ts';

/** Timeout of each attempt to connect. */
const CHECK_TIMEOUT_MS = 10 * SECOND;
/** Maximum number of directories for which a check returns the free space. */
const MAX_DIRECTORIES = 20;

/** Messages of the OpenSSH client if the server's host key differs from the pinned key. */
const HOST_KEY_MISMATCH = /Host key verification failed|no matching host key type found/;

/**
 * The result of a check. `differentHostKey` is the host key that the server offered instead of the pinned key; null if
 * it offered the pinned key, undefined if that was not determined.
 */
type CheckResult = ServerCheck & { readonly differentHostKey?: string | null };

const failedCheck = (message: string, hostKeys: readonly string[] = []): ServerCheck => ({
  ok: false,
  message,
  hostKey: hostKeys[0] ?? null,
  hostKeys: [...hostKeys],
  resources: null,
});

/**
 * Returns the host keys of a server, preferred types first; empty if the server cannot be reached. Throws
 * `SshConnectFailure`.
 */
async function scanServer(row: ServerTable, allowNodeLocal: boolean): Promise<string[]> {
  const [address = ''] = await allowedAddresses({ host: row.host ?? '', allowNodeLocal });
  return scanHostKeys(address, row.port ?? DEFAULT_SSH_PORT, CHECK_TIMEOUT_MS);
}

/** Runs a command and reads disk space, memory and load over one connection. Throws `SshConnectFailure`. */
async function checkTarget(
  context: PlatformContext,
  row: ServerTable,
  target: RunTarget,
): Promise<Pick<ServerCheck, 'resources'>> {
  const connections = createConnectionPool();
  try {
    const pooled = connections.pooled(target);
    const outcome = await run(pooled, { command: { argv: ['true'] } }, AbortSignal.timeout(CHECK_TIMEOUT_MS));
    if (outcome.exitCode !== 0)
      throw new SshConnectFailure(outcome.problem ?? UNREACHABLE_MESSAGE, { unreachable: outcome.problem === null });
    const directories = await listAppDirectories(context.store.read, row.workspace_id, row.id, MAX_DIRECTORIES);
    return { resources: await readServerResources(pooled, directories.length === 0 ? ['/'] : directories) };
  } finally {
    await connections.close();
  }
}

async function checkSshServer(context: PlatformContext, row: ServerTable): Promise<CheckResult> {
  const allowNodeLocal = await isOwnedByOperator(context.store.read, row.workspace_id);
  const target = toSshTarget(context, row, allowNodeLocal);
  try {
    if (target === null) {
      const hostKeys = await scanServer(row, allowNodeLocal);
      if (hostKeys.length === 0) return failedCheck(UNREACHABLE_MESSAGE);
      return failedCheck(
        'No host key is pinned yet. Compare the received host key with the key on the server, then set it.',
        hostKeys,
      );
    }
    const singleAttempt = { ...target, retryDelaysMs: [] } satisfies RunTarget;
    const pinned = { hostKey: target.hostKey, hostKeys: [target.hostKey], differentHostKey: null };
    if (row.confirmed === 0) {
      await (await connect(singleAttempt, AbortSignal.timeout(CHECK_TIMEOUT_MS))).close();
      const message = 'Signed in. No commands run on the server until it is confirmed.';
      return { ok: true, message, ...pinned, resources: null };
    }
    return { ok: true, message: 'Connected.', ...pinned, ...(await checkTarget(context, row, singleAttempt)) };
  } catch (error) {
    // The attempt to connect timed out.
    if (error instanceof DOMException && error.name === 'TimeoutError') return failedCheck(UNREACHABLE_MESSAGE);
    if (!(error instanceof SshConnectFailure)) throw error;
    const { message } = error;
    if (HOST_KEY_MISMATCH.test(message)) {
      const hostKeys = await scanServer(row, allowNodeLocal);
      const check = failedCheck('The host key differs from the pinned one. Nothing was sent to the host.', hostKeys);
      return { ...check, differentHostKey: check.hostKey };
    }
    const wasReached = message !== UNREACHABLE_MESSAGE && message !== NODE_LOCAL_REFUSED_MESSAGE && target !== null;
    return failedCheck(message, wasReached ? [target.hostKey] : []);
  }
}

async function checkLocalServer(context: PlatformContext, row: ServerTable): Promise<CheckResult> {
  const target = await resolveRunTarget(context, { ...row, confirmed: 1 });
  const check = { ok: true, message: 'This is the machine that runs Devpilot.', hostKey: null, hostKeys: [] };
  return { ...check, ...(row.confirmed === 0 ? { resources: null } : await checkTarget(context, row, target)) };
}

/**
 * Tries to connect to a server. Stores the host key that differs from the pinned one, and records an audit event with
 * the result. Throws `not_found`, `rate_limited`, and `conflict` if local servers are not allowed.
 */
export async function checkServer(
  context: PlatformContext,
  request: RequestContext,
  idOrSlug: string,
): Promise<ServerCheck> {
  const row = await requireResource(context.store.read, 'server', request.workspaceId, idOrSlug);
  const { differentHostKey, ...check } = await runConnectionCheck(request.workspaceId, () =>
    row.kind === 'local' ? checkLocalServer(context, row) : checkSshServer(context, row),
  );
  await context.store.transaction(async (trx) => {
    if (differentHostKey !== undefined && differentHostKey !== row.offered_host_key)
      await setOfferedHostKey(trx, row, differentHostKey);
    await recordAuditEvent(
      trx,
      request,
      'server.checked',
      { kind: 'server', id: row.id, name: row.name },
      context.clock(),
      { ok: check.ok, ...(typeof differentHostKey === 'string' && { hostKey: differentHostKey }) },
    );
  });
  return check;
}
