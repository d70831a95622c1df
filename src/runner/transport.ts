import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { openLocalShell, type SshTarget } from './ssh.ts';
import { type Connection, connect } from './ssh-connection.ts';

/** The machine on which steps run: a server or, if the operator allows it, the machine that runs Devpilot. */
export type RunTarget = { readonly kind: 'local' } | SshRunTarget;
/**
 * A server. `connect` returns the connection that steps share (`ConnectionPool`). If it is omitted, each step opens its
 * own connection.
 */
interface SshRunTarget extends SshTarget {
  readonly kind: 'ssh';
  readonly connect?: (signal?: AbortSignal) => Promise<Connection>;
}

/** Starts shells that run Devpilot's scripts on the machine of a step. */
export interface Transport {
  openShell(): ChildProcessWithoutNullStreams;
  /** Set for a shared connection; see `Connection`. */
  waitUntilLost?(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the transport to a target. Throws `SshConnectFailure`, or the signal's reason. */
export async function openTransport(target: RunTarget, signal?: AbortSignal): Promise<Transport> {
  const noop = () => Promise.resolve();
  if (target.kind === 'local') return { openShell: openLocalShell, close: noop };
  if (target.connect !== undefined) {
    const { openShell, waitUntilLost } = await target.connect(signal);
    return { openShell, waitUntilLost, close: noop };
  }
  return connect(target, signal);
}
