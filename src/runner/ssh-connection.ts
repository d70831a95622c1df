import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isNodeLocal, resolveHost } from '../outbound/addresses.ts';
import { createKeyFolder } from './key-folder.ts';
import { CONNECT_TIMEOUT_SECONDS, SSH_CLIENT_ENVIRONMENT, type SshTarget, sshOptions } from './ssh.ts';
import { printableLines } from './start-failure.ts';
import { ENTRY_COMMAND } from './step-script.ts';

/** Why no connection could be made; `message` is for users. */
export class SshConnectFailure extends Error {
  /** Whether no SSH server responded, so that another attempt may succeed. */
  readonly unreachable: boolean;
  constructor(message: string, { unreachable }: { readonly unreachable: boolean }) {
    super(message);
    this.name = 'SshConnectFailure';
    this.unreachable = unreachable;
  }
}

/**
 * The same message for closed ports, timeouts and other protocols, so that users cannot use Devpilot to scan its
 * network.
 */
export const UNREACHABLE_MESSAGE = 'Connection failed: no SSH server could be reached at this host and port.';
export const NODE_LOCAL_REFUSED_MESSAGE =
  'Connection failed: loopback and link-local hosts are only for workspaces that an operator owns.';
/** Output of OpenSSH's client if it did not reach an SSH server. */
const UNREACHABLE_OUTPUT =
  /^(?:ssh: (?:connect to|Could not resolve)|kex_exchange_identification:|banner exchange:|ssh_exchange_identification:|Connection timed out|Bad packet length|Connection (?:closed|reset) by)/m;

/** Pauses between connection attempts in milliseconds; empty for a single attempt. */
export type RetryDelays = readonly number[];

/** Time allowed for authentication, beyond the time to connect; milliseconds. */
const SIGN_IN_TIMEOUT_MS = 20_000;
const CONNECTED_MARKER = 'devpilot-connected';
/** Maximum time to wait until the master client also notices a loss that a step's client noticed; milliseconds. */
const LOSS_DETECTION_MS = 2000;
/** Maximum length of a socket path, to which the client appends 17 characters (unix(7) allows 108 bytes). */
const MAX_SOCKET_PATH_LENGTH = 90;

/**
 * Runs its arguments as a command (`p`), and ends the command when standard input closes, also because Devpilot was
 * killed: a subshell (`w`) reads standard input (file descriptor 3) until its end.
 */
const SUPERVISOR_SCRIPT = `exec 3<&0
"$@" </dev/null 3<&- & p=$!
(read -r x <&3; kill "$p") >/dev/null 2>&1 & w=$!
exec 3<&-
wait "$p"; c=$?
kill "$w" 2>/dev/null
exit "$c"`;

/** An SSH connection over which any number of steps run, sequentially or concurrently. */
export interface Connection {
  isOpen(): boolean;
  /** Starts `ENTRY_COMMAND` on the server: a shell that reads and runs a script. */
  openShell(): ChildProcessWithoutNullStreams;
  /** For a step that has noticed a lost connection: resolves when `isOpen` returns false, or after two seconds. */
  waitUntilLost(): Promise<void>;
  /** Closes the connection and ends everything that still runs over it. */
  close(): Promise<void>;
}

function toConnectFailure(stderr: string): SshConnectFailure {
  if (stderr.trim() === '' || UNREACHABLE_OUTPUT.test(stderr))
    return new SshConnectFailure(UNREACHABLE_MESSAGE, { unreachable: true });
  // The last line states the cause. Lines that start with "@" are the frame of a warning.
  const cause = printableLines(stderr).findLast((line) => !line.startsWith('@')) ?? '';
  return new SshConnectFailure(`Connection failed: ${cause}`, { unreachable: false });
}

/** Resolves when the client is authenticated. Rejects with `SshConnectFailure`, or with the signal's reason. */
async function waitForSignIn(master: ChildProcessWithoutNullStreams, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let stderrText = '';
    let stdoutText = '';
    const timer = setTimeout(
      () => fail(new SshConnectFailure(UNREACHABLE_MESSAGE, { unreachable: true })),
      CONNECT_TIMEOUT_SECONDS * 1000 + SIGN_IN_TIMEOUT_MS,
    );
    const onAbort = () => fail(signal?.reason);
    function fail(error: unknown): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      reject(error);
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    master.once('error', (error) =>
      fail(new SshConnectFailure(`Connection failed: ${error.message}`, { unreachable: false })),
    );
    master.once('close', () => fail(toConnectFailure(stderrText)));
    master.stderr.on('data', (chunk: Buffer) => {
      stderrText = (stderrText + chunk.toString('latin1')).slice(-4096);
    });
    master.stdout.on('data', (chunk: Buffer) => {
      stdoutText = (stdoutText + chunk.toString('latin1')).slice(-256);
      if (!stdoutText.includes(CONNECTED_MARKER)) return;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}

/**
 * Connects to one address. The private key is in a file with mode 0600 in a private folder until the server has
 * accepted it; afterwards the folder contains only the connection's socket. If this process is killed, the connection
 * ends by itself and `sweepKeyFolders` removes the folder.
 */
async function connectToAddress(
  target: SshTarget,
  address: string,
  signal: AbortSignal | undefined,
): Promise<Connection> {
  const folder = await createKeyFolder();
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  const socket = join(folder, 's');
  try {
    if (socket.length > MAX_SOCKET_PATH_LENGTH)
      throw new SshConnectFailure('Connection failed: the path of TMPDIR is too long for a socket.', {
        unreachable: false,
      });
    const keyFile = join(folder, 'key');
    const knownHosts = join(folder, 'known_hosts');
    await writeFile(keyFile, target.privateKey, { mode: 0o600, flag: 'wx' });
    await writeFile(knownHosts, `devpilot-pinned ${target.hostKey}\n`, { mode: 0o600, flag: 'wx' });
    const sharing = ['-N', '-M', '-S', socket, '-oPermitLocalCommand=yes', `-oLocalCommand=echo ${CONNECTED_MARKER}`];
    const argv = ['ssh', ...sshOptions(target, keyFile, knownHosts), ...sharing, '--', address];
    const master = spawn('/bin/sh', ['-c', SUPERVISOR_SCRIPT, 'sh', ...argv], {
      stdio: 'pipe',
      env: SSH_CLIENT_ENVIRONMENT,
    });
    let isOpen = true;
    const closed = new Promise<void>((resolve) => {
      const markClosed = () => {
        isOpen = false;
        resolve();
      };
      master.once('close', markClosed).once('error', markClosed);
    });
    master.stdin.on('error', () => undefined);
    const close = async () => {
      master.stdin.end();
      await closed;
      await removeFolder();
    };
    try {
      await waitForSignIn(master, signal);
    } catch (error) {
      await close();
      throw error;
    }
    await Promise.all([rm(keyFile, { force: true }), rm(knownHosts, { force: true })]);
    const waitUntilLost = () => Promise.race([closed, pause(LOSS_DETECTION_MS, undefined, { ref: false })]);
    return { isOpen: () => isOpen, openShell: () => openShellOver(socket), waitUntilLost, close };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

/**
 * Opens a shell over an existing connection. If its socket is missing, the proxy command fails immediately, so that the
 * client does not open a new connection.
 */
function openShellOver(socket: string): ChildProcessWithoutNullStreams {
  const options = ['-F', '/dev/null', '-T', '-S', socket, '-oControlMaster=no', '-oProxyCommand=false'];
  const quiet = ['-oBatchMode=yes', '-oLogLevel=ERROR'];
  return spawn('ssh', [...options, ...quiet, '--', 'devpilot', ENTRY_COMMAND], {
    stdio: 'pipe',
    env: SSH_CLIENT_ENVIRONMENT,
  });
}

/**
 * Returns the addresses of a host to which Devpilot may connect. Connect to one of them and not to the name, which
 * could resolve to another address the next time. Throws `SshConnectFailure`.
 */
export async function allowedAddresses({
  host,
  allowNodeLocal,
}: Pick<SshTarget, 'host' | 'allowNodeLocal'>): Promise<string[]> {
  const addresses = await resolveHost(host);
  const [first] = addresses;
  if (first === undefined) throw new SshConnectFailure(UNREACHABLE_MESSAGE, { unreachable: true });
  const allowed = allowNodeLocal ? addresses : addresses.filter((address) => !isNodeLocal(address));
  if (allowed.length === 0) throw new SshConnectFailure(NODE_LOCAL_REFUSED_MESSAGE, { unreachable: false });
  return allowed;
}

async function connectOnce(target: SshTarget, signal: AbortSignal | undefined): Promise<Connection> {
  let lastError: unknown;
  for (const address of await allowedAddresses(target)) {
    try {
      return await connectToAddress(target, address, signal);
    } catch (error) {
      if (!(error instanceof SshConnectFailure && error.unreachable)) throw error;
      lastError = error;
    }
  }
  throw lastError;
}

/**
 * Connects and authenticates. Retries after each of the delays if no server is reached. Throws `SshConnectFailure`, or
 * the signal's reason.
 */
export async function connect(target: SshTarget, signal?: AbortSignal): Promise<Connection> {
  for (const delayMs of target.retryDelaysMs ?? []) {
    try {
      return await connectOnce(target, signal);
    } catch (error) {
      if (!(error instanceof SshConnectFailure && error.unreachable)) throw error;
      await pause(delayMs, undefined, { ...(signal !== undefined && { signal }) }).catch(() =>
        signal?.throwIfAborted(),
      );
    }
  }
  return connectOnce(target, signal);
}

/** The connections of one job: one per server. */
export interface ConnectionPool {
  /** Returns a target whose steps share one connection, opened for the first step and again after a loss. */
  pooled<T extends { readonly kind: string }>(target: T, retryDelays?: RetryDelays): T;
  close(): Promise<void>;
}

export function createConnectionPool(): ConnectionPool {
  const connections = new Map<string, Promise<Connection>>();

  function sharedConnection(target: SshTarget, signal: AbortSignal | undefined): Promise<Connection> {
    const key = JSON.stringify([target.host, target.port, target.user, target.privateKey]);
    const previousResult = connections.get(key);
    const result = (async () => {
      const existing = await previousResult?.catch(() => undefined);
      if (existing?.isOpen()) return existing;
      await existing?.close();
      return connect(target, signal);
    })();
    connections.set(key, result);
    return result;
  }
  return {
    pooled(target, retryDelays) {
      if (target.kind !== 'ssh') return target;
      const ssh = target as typeof target & SshTarget;
      const retries: Pick<SshTarget, 'retryDelaysMs'> = retryDelays === undefined ? {} : { retryDelaysMs: retryDelays };
      const withRetries = { ...ssh, ...retries };
      return { ...withRetries, connect: (signal?: AbortSignal) => sharedConnection(withRetries, signal) };
    },
    async close() {
      for (const connection of await Promise.allSettled(connections.values())) {
        if (connection.status === 'fulfilled') await connection.value.close();
      }
      connections.clear();
    },
  };
}
