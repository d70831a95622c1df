import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { ensureCommand } from './debian-packages.ts';
import { killProcess } from './kill-process.ts';
import { freePort } from './postgres.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const SSHD = '/usr/sbin/sshd';

/** An OpenSSH server on loopback with its own host key, which accepts only configured public keys. */
export interface TestSshd {
  readonly port: number;
  readonly user: string;
  /** Public host key in the format `type base64`. */
  readonly hostKey: string;
  /** Replaces the keys that may sign in. */
  authorize(publicKeys: readonly string[]): void;
  /** Kills the processes of open connections, as if the machine had failed. */
  killSessions(): void;
  close(): Promise<void>;
}

/** Returns the process IDs of all descendants of a process. */
function listDescendants(parent: number): number[] {
  const children = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parentPid]) => parentPid === parent)
    .map(([pid = 0]) => pid);
  return children.flatMap((pid) => [pid, ...listDescendants(pid)]);
}

function isSshd(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('sshd');
  } catch {
    // The process has ended.
    return false;
  }
}

/** Starts sshd, and installs the Debian package if it is missing. `config` contains additional configuration lines. */
export async function startSshd(config: readonly string[] = []): Promise<TestSshd> {
  ensureCommand('sshd', 'openssh-server');
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const folder = temporaryDirectory();
  chmodSync(folder, 0o755);
  const hostKeyFile = join(folder, 'host_key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', hostKeyFile]);
  const authorizedKeysFile = join(folder, 'authorized_keys');
  writeFileSync(authorizedKeysFile, '', { mode: 0o600 });
  const port = await freePort();
  const configLines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKeyFile}`,
    `AuthorizedKeysFile ${authorizedKeysFile}`,
    `PidFile ${join(folder, 'pid')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    ...config,
  ];
  writeFileSync(join(folder, 'config'), `${configLines.join('\n')}\n`);
  const child = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise<void>((resolve, reject) => {
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Server listening on')) resolve();
    });
    child.once('exit', () => reject(new Error(`sshd ended: ${output}`)));
  });
  function killSessions(): void {
    for (const pid of listDescendants(child.pid ?? 0).filter(isSshd)) killProcess(pid);
  }
  return {
    port,
    user: userInfo().username,
    hostKey: readFileSync(`${hostKeyFile}.pub`, 'utf8').trim(),
    authorize: (publicKeys) => writeFileSync(authorizedKeysFile, `${publicKeys.join('\n')}\n`, { mode: 0o600 }),
    killSessions,
    close() {
      return new Promise((resolve) => {
        killSessions();
        child.once('exit', () => {
          child.stderr.destroy();
          resolve();
        });
        child.kill();
      });
    },
  };
}
