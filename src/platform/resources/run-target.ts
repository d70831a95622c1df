import { Problem } from '../../contract/problem.ts';
import type { RunTarget } from '../../runner/run.ts';
import type { ServerTable } from '../../store/schema/resources.ts';
import type { Queryable } from '../../store/store.ts';
import { isOwnedByOperator } from '../../store/workspaces.ts';
import type { PlatformContext } from '../context.ts';

export const DEFAULT_SSH_PORT = 22;

/** Returns the associated data of a server's sealed private key, which bind it to this row. */
export const serverKeyAssociatedData = (row: { readonly id: string; readonly workspace_id: string }) =>
  `server ${row.workspace_id} ${row.id} private key`;

/**
 * Returns the connection settings of an ssh server with its decrypted private key; null if no host key is pinned.
 * `allowNodeLocal` is whether the host can be loopback or link-local.
 */
export function toSshTarget(
  context: PlatformContext,
  row: ServerTable,
  allowNodeLocal: boolean,
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
    allowNodeLocal,
    retryDelaysMs: context.connectRetryDelays.short,
  };
}

/** Returns the target for steps on a server. Throws `conflict` if steps may not run on it. */
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
