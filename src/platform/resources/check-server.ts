import { type RequestContext, recordAuditEvent } from '../../audit/request-context.ts';
import { SECOND } from '../../contract/limits.ts';
import type { ServerCheck } from '../../contract/servers.ts';
import { type RunTarget, run } from '../../runner/run.ts';
import { scanHostKeys } from '../../runner/ssh.ts';
import {
  allowedAddresses,
  connect,
  NODE_LOCAL_REFUSED_MESSAGE,
  SshConnectFailure,
  UNREACHABLE_MESSAGE,
} from '../../runner/ssh-connection.ts';
import type { ServerTable } from '../../store/schema/resources.ts';
import { isOwnedByOperator } from '../../store/workspaces.ts';
import type { PlatformContext } from '../context.ts';
import { requireResource } from './resources.ts';
import { DEFAULT_SSH_PORT, resolveRunTarget, toSshTarget } from './run-target.ts';

const CHECK_TIMEOUT_MS = 10 * SECOND;

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
