import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { redactSecrets } from '../../contract/redact.ts';
import { isNodeLocal, resolveHost } from './address.ts';
import { ENTRY } from './entry.ts';
import { makeKeyFolder } from './key-folder.ts';
import { CLIENT_ENVIRONMENT, CONNECT_SECONDS, type SshTarget, sshOptions } from './ssh.ts';

/** Why there is no connection, in words for people. */
export class ConnectFailure extends Error {
  /** Whether nothing was heard of an SSH server at all, so that another attempt may succeed. */
  readonly unreachable: boolean;
  constructor(message: string, unreachable: boolean) {
    super(message);
    this.name = 'ConnectFailure';
    this.unreachable = unreachable;
  }
}

/** One wording for closed ports, silence and other protocols alike: it must not map the network around Devpilot. */
export const UNREACHABLE = 'Not connected. No SSH server could be reached at this host and port.';
export const NODE_LOCAL_REFUSED =
  'Not connected. Loopback and link-local hosts are only for workspaces that an operator owns.';
/** What OpenSSH's client prints where it did not come as far as an SSH server. */
const NOT_REACHED =
  /^(?:ssh: (?:connect to|Could not resolve)|kex_exchange_identification:|banner exchange:|ssh_exchange_identification:|Connection timed out|Bad packet length|Connection (?:closed|reset) by)/m;

/** Milliseconds between attempts to connect; none: one attempt. */
export type Pauses = readonly number[];

/** Signing in may take so long beside connecting; milliseconds. */
const SIGN_IN_WITHIN = 20_000;
const CONNECTED = 'devpilot-connected';
/** A step's client and the client that holds the connection notice its loss by themselves, the one a moment after the other. */
const LOSS_SHOWS_WITHIN_MS = 2000;
/** Longer paths are no name for a socket, to which the client adds 17 characters (unix(7)). */
const LONGEST_SOCKET = 90;

/** Runs what follows, and ends it when standard input ends: with this process, however that ends. */
const KEEPER = `exec 3<&0
"$@" </dev/null 3<&- & p=$!
(read -r x <&3; kill "$p") >/dev/null 2>&1 & w=$!
exec 3<&-
wait "$p"; c=$?
kill "$w" 2>/dev/null
exit "$c"`;

/** One SSH connection, over which any number of steps run one after the other or together. */
export interface Connection {
  isOpen(): boolean;
  /** A shell on the server that reads orders (`ENTRY`). */
  open(): ChildProcessWithoutNullStreams;
  /** Resolves once the loss of the connection, of which a step has told, shows in `isOpen` too; after two seconds in any case. */
  whenLost(): Promise<void>;
  /** Ends it, and whatever still runs over it. */
  close(): Promise<void>;
}

/** The lines that name the cause: the server's or the client's own text. */
function wordsOf(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/[^\x20-\x7e]/g, '').trim());
  return redactSecrets(lines.filter((line) => line !== '' && !line.startsWith('@')).at(-1) ?? '').slice(0, 500);
}

function failureOf(stderr: string): ConnectFailure {
  if (stderr.trim() === '' || NOT_REACHED.test(stderr)) return new ConnectFailure(UNREACHABLE, true);
  return new ConnectFailure(`Not connected. ${wordsOf(stderr)}`, false);
}

/** Resolves when it has signed in; rejects with `ConnectFailure`, and with the signal's reason. */
async function signIn(master: ChildProcessWithoutNullStreams, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let said = '';
    let heard = '';
    const timer = setTimeout(
      () => fail(new ConnectFailure(UNREACHABLE, true)),
      CONNECT_SECONDS * 1000 + SIGN_IN_WITHIN,
    );
    const onAbort = () => fail(signal?.reason);
    function fail(error: unknown): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      reject(error);
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    master.once('error', (error) => fail(new ConnectFailure(`Not connected. ${error.message}`, false)));
    master.once('close', () => fail(failureOf(said)));
    master.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('latin1')).slice(-4096);
    });
    master.stdout.on('data', (chunk: Buffer) => {
      heard = (heard + chunk.toString('latin1')).slice(-256);
      if (!heard.includes(CONNECTED)) return;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}

/**
 * Connects to one address. The private key lies in a file of mode 0600 in a folder of our own until the
 * server has accepted it, then only the socket of the connection does; `sweepKeyFolders` removes the
 * folder of a process that was killed, whose connection ends by itself.
 */
async function connectTo(target: SshTarget, address: string, signal: AbortSignal | undefined): Promise<Connection> {
  const folder = await makeKeyFolder();
  const remove = () => rm(folder, { recursive: true, force: true });
  const socket = join(folder, 's');
  try {
    if (socket.length > LONGEST_SOCKET) throw new ConnectFailure('The path of TMPDIR is too long for a socket.', false);
    const keyFile = join(folder, 'key');
    const knownHosts = join(folder, 'known_hosts');
    await writeFile(keyFile, target.privateKey, { mode: 0o600, flag: 'wx' });
    await writeFile(knownHosts, `devpilot-pinned ${target.hostKey}\n`, { mode: 0o600, flag: 'wx' });
    const sharing = ['-N', '-M', '-S', socket, '-oPermitLocalCommand=yes', `-oLocalCommand=echo ${CONNECTED}`];
    const words = ['ssh', ...sshOptions(target, keyFile, knownHosts), ...sharing, '--', address];
    const master = spawn('/bin/sh', ['-c', KEEPER, 'sh', ...words], { stdio: 'pipe', env: CLIENT_ENVIRONMENT });
    let open = true;
    const closed = new Promise<void>((resolve) => {
      const end = () => {
        open = false;
        resolve();
      };
      master.once('close', end).once('error', end);
    });
    master.stdin.on('error', () => undefined);
    const close = async () => {
      master.stdin.end();
      await closed;
      await remove();
    };
    try {
      await signIn(master, signal);
    } catch (error) {
      await close();
      throw error;
    }
    await Promise.all([rm(keyFile, { force: true }), rm(knownHosts, { force: true })]);
    const whenLost = () => Promise.race([closed, pause(LOSS_SHOWS_WITHIN_MS, undefined, { ref: false })]);
    return { isOpen: () => open, open: () => openOver(socket), whenLost, close };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Never connects by itself: without the socket, the proxy command ends it at once. */
function openOver(socket: string): ChildProcessWithoutNullStreams {
  const options = ['-F', '/dev/null', '-T', '-S', socket, '-oControlMaster=no', '-oProxyCommand=false'];
  const quiet = ['-oBatchMode=yes', '-oLogLevel=ERROR'];
  return spawn('ssh', [...options, ...quiet, '--', 'devpilot', ENTRY], { stdio: 'pipe', env: CLIENT_ENVIRONMENT });
}

/** The addresses that may be connected to, resolved once. Throws `ConnectFailure`. */
export async function allowedAddresses({ host, nodeLocal }: Pick<SshTarget, 'host' | 'nodeLocal'>): Promise<string[]> {
  const addresses = await resolveHost(host);
  const [first] = addresses;
  if (first === undefined) throw new ConnectFailure(UNREACHABLE, true);
  const allowed = nodeLocal ? addresses : addresses.filter((address) => !isNodeLocal(address));
  if (allowed.length === 0) throw new ConnectFailure(NODE_LOCAL_REFUSED, false);
  return allowed;
}

async function connectOnce(target: SshTarget, signal: AbortSignal | undefined): Promise<Connection> {
  let last: unknown;
  for (const address of await allowedAddresses(target)) {
    try {
      return await connectTo(target, address, signal);
    } catch (error) {
      if (!(error instanceof ConnectFailure && error.unreachable)) throw error;
      last = error;
    }
  }
  throw last;
}

/** Connects and signs in. Throws `ConnectFailure`; where no server is reached, only after every pause and another attempt. */
export async function connect(target: SshTarget, signal?: AbortSignal): Promise<Connection> {
  for (const wait of target.pauses ?? []) {
    try {
      return await connectOnce(target, signal);
    } catch (error) {
      if (!(error instanceof ConnectFailure && error.unreachable)) throw error;
      await pause(wait, undefined, { ...(signal !== undefined && { signal }) }).catch(() => signal?.throwIfAborted());
    }
  }
  return connectOnce(target, signal);
}

/** The connections of one job: one per server. */
export interface Connections {
  /** A target whose steps share one connection, which is made for the first of them and again when it was lost. */
  through<T extends { readonly kind: string }>(target: T, pauses?: Pauses): T;
  close(): Promise<void>;
}

export function createConnections(): Connections {
  const open = new Map<string, Promise<Connection>>();

  function shared(target: SshTarget, signal: AbortSignal | undefined): Promise<Connection> {
    const key = JSON.stringify([target.host, target.port, target.user, target.privateKey]);
    const before = open.get(key);
    const next = (async () => {
      const known = await before?.catch(() => undefined);
      if (known?.isOpen()) return known;
      await known?.close();
      return connect(target, signal);
    })();
    open.set(key, next);
    return next;
  }
  return {
    through(target, pauses) {
      if (target.kind !== 'ssh') return target;
      const ssh = target as typeof target & SshTarget;
      const patient = pauses === undefined ? ssh : { ...ssh, pauses };
      return { ...patient, connect: (signal?: AbortSignal) => shared(patient, signal) };
    },
    async close() {
      for (const connection of await Promise.allSettled(open.values())) {
        if (connection.status === 'fulfilled') await connection.value.close();
      }
      open.clear();
    },
  };
}
