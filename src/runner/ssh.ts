import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { parseHostKey } from '../contract/host-key.ts';
import { LOCAL_ENTRY_ARGV } from './step-script.ts';

/** The address and user to connect to, and the only trusted host key. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly hostKey: string;
  readonly privateKey: string;
  /** Whether the host may be loopback or link-local: an address of Devpilot's own machine or network. */
  readonly allowNodeLocal: boolean;
  /** Pauses between connection attempts in milliseconds if no server is reached; a single attempt if omitted. */
  readonly retryDelaysMs?: readonly number[];
}

const MAX_OUTPUT_CHARACTERS = 16_384;
export const CONNECT_TIMEOUT_SECONDS = 10;
/**
 * The environment of OpenSSH's client, without variables and files of Devpilot's own user that could change how it
 * connects or signs in.
 */
export const SSH_CLIENT_ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C', HOME: '/nonexistent' };

/**
 * Runs a command, killed after `timeoutMs`, and returns its standard output: only the beginning if it is long, and an
 * empty string if the command cannot be started.
 */
function readCommandOutput(command: string, args: readonly string[], timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], env: SSH_CLIENT_ENVIRONMENT });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (output.length < MAX_OUTPUT_CHARACTERS) output += chunk.toString('latin1');
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const finish = () => {
      clearTimeout(timer);
      resolve(output);
    };
    child.once('error', finish).once('close', finish);
  });
}

/** Returns the signature algorithms that a host key can be used with. */
export function hostKeyAlgorithms(hostKey: string): string {
  const [type = ''] = hostKey.split(' ');
  return type === 'ssh-rsa' ? 'rsa-sha2-512,rsa-sha2-256' : type;
}

/** Returns the options of every connection: no agent, no passwords, no configuration files, one trusted host key. */
export function sshOptions(target: SshTarget, keyFile: string, knownHosts: string): string[] {
  const options = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: 'devpilot-pinned',
    HostKeyAlgorithms: hostKeyAlgorithms(target.hostKey),
    CheckHostIP: 'no',
    UpdateHostKeys: 'no',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    IdentityFile: keyFile,
    PreferredAuthentications: 'publickey',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    ForwardAgent: 'no',
    ClearAllForwardings: 'yes',
    ConnectTimeout: String(CONNECT_TIMEOUT_SECONDS),
    // Detects a server or network that silently disappeared.
    ServerAliveInterval: '5',
    ServerAliveCountMax: '3',
    LogLevel: 'ERROR',
  };
  return [
    '-F',
    '/dev/null',
    '-T',
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    '-p',
    String(target.port),
    '-l',
    target.user,
  ];
}

/** Returns the environment of local shells, without variables of this process that may contain secrets. */
function minimalEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** Starts a shell on the machine that runs Devpilot. The shell reads and runs a script. */
export function openLocalShell(): ChildProcessWithoutNullStreams {
  const [shell, ...args] = LOCAL_ENTRY_ARGV;
  return spawn(shell, args, { stdio: 'pipe', cwd: '/', env: minimalEnvironment() });
}

const HOST_KEY_PREFERENCE = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
];

const preferenceOf = (hostKey: string): number => HOST_KEY_PREFERENCE.indexOf(hostKey.split(' ')[0] ?? '');

/**
 * Returns the host keys that the server at an address offers, preferred types first; empty if it cannot be reached. The
 * keys must not be trusted before a person has confirmed one.
 */
export async function scanHostKeys(address: string, port: number, timeoutMs: number): Promise<string[]> {
  const seconds = String(Math.ceil(timeoutMs / 1000));
  const types = 'ed25519,ecdsa,rsa';
  const args = ['-T', seconds, '-t', types, '-p', String(port), '--', address];
  // Each line is an address, a space and a host key.
  return (await readCommandOutput('ssh-keyscan', args, timeoutMs))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => parseHostKey(line.slice(line.indexOf(' ') + 1)))
    .filter((key) => key !== null)
    .sort((a, b) => preferenceOf(a) - preferenceOf(b));
}
