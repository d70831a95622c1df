import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { daemonUser, stopProcess, waitForOutput } from './daemon.ts';
import { ensureCommand } from './debian-packages.ts';
import { freePort, type TestPostgres } from './postgres.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/**
 * Starts PgBouncer in front of a PostgreSQL server, with its default configuration except for the pool and required
 * settings. `toPooledUrl` converts the URL of a database of the server to its URL at PgBouncer.
 */
export async function startPgBouncer(
  postgres: TestPostgres,
  mode: 'session' | 'transaction',
  poolSize: number,
): Promise<{ toPooledUrl(url: string): string; close(): Promise<void> }> {
  ensureCommand('pgbouncer');
  const directory = temporaryDirectory();
  const port = await freePort();
  const settings = [
    '[databases]',
    `* = host=127.0.0.1 port=${postgres.port} user=devpilot password=devpilot`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'auth_type = any',
    'unix_socket_dir =',
    `pool_mode = ${mode}`,
    `default_pool_size = ${poolSize}`,
    'max_client_conn = 500',
  ];
  const path = join(directory, 'pgbouncer.ini');
  writeFileSync(path, `${settings.join('\n')}\n`);
  const user = daemonUser();
  if (user.uid !== undefined) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, directory]);
  const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;
  const child = spawn('pgbouncer', [path], { ...user, env: { PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
  await waitForOutput(child, /process up/);
  return {
    toPooledUrl: (url) => url.replace(`:${postgres.port}/`, `:${port}/`),
    close: () => stopProcess(child, 'SIGTERM'),
  };
}
