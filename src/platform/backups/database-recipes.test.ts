import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { App } from '../../contract/apps.ts';
import type { Backup } from '../../contract/backups.ts';
import type { Server } from '../../contract/servers.ts';
import { ensureCommand } from '../../testing/debian-packages.ts';
import { freePort } from '../../testing/postgres.ts';
import { temporaryDirectory } from '../../testing/temporary-directory.ts';
import { signUpOwner, startTestServer, type TestPerson, type TestServer } from '../../testing/test-server.ts';
import { until } from '../../testing/until.ts';

/** The commands in each section of this guide are run with that section's database. */
const GUIDE = readFileSync(new URL('../../../docs/guides/database-backups.md', import.meta.url), 'utf8');
const PASSWORD = 'pa55word-of_the-test';
const ROWS = 2000;

interface Recipe {
  readonly command: string;
  readonly restoreCommand: string;
  readonly verifyCommand: string;
}

function recipeOf(heading: string): Recipe {
  const section = GUIDE.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const [command, restoreCommand, verifyCommand] = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(
    ([, text]) => text,
  );
  assert.ok(command !== undefined && restoreCommand !== undefined && verifyCommand !== undefined, heading);
  return { command, restoreCommand, verifyCommand };
}

/** A running database. Statements are run with its own client program, without a password on the command line. */
interface Database {
  readonly variables: Readonly<Record<string, string>>;
  query(statement: string): string;
  close(): Promise<void>;
}

const root = temporaryDirectory();
chmodSync(root, 0o755);
const isRoot = process.getuid?.() === 0;
/** Database servers refuse to run as root. */
const asUser = (user: string, argv: readonly string[]) => (isRoot ? ['runuser', '-u', user, '--', ...argv] : [...argv]);

function execute(argv: readonly string[], environment: Readonly<Record<string, string>> = {}, input = ''): string {
  const [file = '', ...args] = argv;
  const options = { input, env: { ...process.env, ...environment }, cwd: root };
  return execFileSync(file, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] }).toString();
}

function startServer(argv: readonly string[], input?: string): ChildProcess {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'ignore'], cwd: root });
  child.stdin?.end(input);
  return child;
}

async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function dataDirectory(name: string, user: string): string {
  const path = join(root, name);
  mkdirSync(path, { mode: 0o700 });
  if (isRoot) execute(['chown', `${user}:`, path]);
  return path;
}

const untilResponsive = (query: () => unknown) =>
  until(() => {
    try {
      query();
      return Promise.resolve(true);
    } catch {
      return Promise.resolve(false);
    }
  });

async function startPostgresql(): Promise<Database> {
  ensureCommand('pg_dump', 'postgresql');
  const [bin = ''] = globSync('/usr/lib/postgresql/*/bin').sort().reverse();
  const data = dataDirectory('postgresql', 'postgres');
  const port = await freePort();
  execute(asUser('postgres', [join(bin, 'initdb'), '-D', data, '-U', 'shop', '--auth=trust', '--no-sync']));
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = startServer(asUser('postgres', [join(bin, 'postgres'), '-D', data, ...flags]));
  const login = { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'shop' };
  const run = (database: string) => (statement: string) =>
    execute(
      ['psql', '-qAt', '-v', 'ON_ERROR_STOP=1'],
      { ...login, PGPASSWORD: PASSWORD, PGDATABASE: database },
      statement,
    );
  await untilResponsive(() => run('postgres')('select 1'));
  run('postgres')(`alter user shop password '${PASSWORD}'; create database shop`);
  execute(['sed', '-i', 's/trust$/scram-sha-256/', join(data, 'pg_hba.conf')]);
  run('postgres')('select pg_reload_conf()');
  return {
    variables: { ...login, PGPASSWORD: PASSWORD, PGDATABASE: 'shop' },
    query: run('shop'),
    close: () => stopServer(child),
  };
}

async function startMariadb(): Promise<Database> {
  ensureCommand('mariadbd', 'mariadb-server');
  const data = dataDirectory('mariadb', 'mysql');
  const port = await freePort();
  const common = ['--no-defaults', `--datadir=${data}`, ...(isRoot ? ['--user=mysql'] : [])];
  execute(['mariadb-install-db', ...common, '--auth-root-authentication-method=normal', '--skip-test-db']);
  const socket = join(data, 'socket');
  const network = [`--port=${port}`, '--bind-address=127.0.0.1', `--socket=${socket}`];
  const child = startServer(['mariadbd', ...common, ...network, '--innodb-flush-log-at-trx-commit=0']);
  const asRoot = (statement: string) =>
    execute(['mariadb', '--no-defaults', '-u', 'root', `-S${socket}`], {}, statement);
  await untilResponsive(() => asRoot('select 1'));
  asRoot(`create database shop; create user shop@localhost identified by '${PASSWORD}';
    grant all on shop.* to shop@localhost; grant all on \`verify\\_%\`.* to shop@localhost`);
  const login = { DB_HOST: '127.0.0.1', DB_PORT: String(port), DB_USER: 'shop', DB_NAME: 'shop', MYSQL_PWD: PASSWORD };
  return {
    variables: login,
    query: (statement) =>
      execute(['mariadb', '-h127.0.0.1', `-P${port}`, '-ushop', '-BN', 'shop'], { MYSQL_PWD: PASSWORD }, statement),
    close: () => stopServer(child),
  };
}

async function startSqlite(): Promise<Database> {
  ensureCommand('sqlite3');
  const path = join(root, 'shop.db');
  return {
    variables: { DATABASE: path },
    query: (sql) => execute(['sqlite3', '-bail', path], {}, sql),
    close: async () => {},
  };
}

async function startRedis(): Promise<Database> {
  ensureCommand('redis-server');
  const port = await freePort();
  const child = startServer(
    ['redis-server', '-'],
    `port ${port}\nbind 127.0.0.1\nrequirepass ${PASSWORD}\nsave ""\nrepl-diskless-sync-delay 0\n`,
  );
  const variables = { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port), REDISCLI_AUTH: PASSWORD };
  const query = (command: string) => {
    const output = execute(['redis-cli', '-h', '127.0.0.1', '-p', String(port)], variables, command);
    assert.doesNotMatch(output, /^(?:ERR|NOAUTH|LOADING|Could not)/m);
    return output;
  };
  await untilResponsive(() => query('ping'));
  return { variables, query, close: () => stopServer(child) };
}

interface DatabaseCase {
  readonly heading: string;
  readonly start: () => Promise<Database>;
  /** Statements that create the data. */
  readonly fill: string;
  /** Statements that damage the data after the backup. */
  readonly change: string;
  /** Query whose result shows whether the data has changed. */
  readonly stateQuery: string;
  /** Query for scratch databases that a verification has not removed. */
  readonly leftoverQuery?: string;
}
const SQL = {
  fill: `create table orders (id integer primary key, note varchar(100));
    insert into orders with recursive n (i) as (select 1 union all select i + 1 from n where i < ${ROWS - 1}) select i, 'order' from n;
    insert into orders values (${ROWS}, 'ünïcode ''quoted''')`,
  change: `delete from orders where id > 5; update orders set note = 'lost'`,
  stateQuery: 'select count(*), min(note), max(note), sum(id) from orders',
};
const DATABASES: readonly DatabaseCase[] = [
  {
    heading: 'PostgreSQL',
    start: startPostgresql,
    ...SQL,
    leftoverQuery: `select datname from pg_database where datname like 'verify%'`,
  },
  {
    heading: 'MariaDB and MySQL',
    start: startMariadb,
    ...SQL,
    leftoverQuery: `show databases like 'verify%'`,
    fill: `set max_recursive_iterations = 100000; ${SQL.fill}; create procedure hello() select 1`,
  },
  { heading: 'SQLite', start: startSqlite, ...SQL, fill: `${SQL.fill}; pragma user_version = 7` },
  {
    heading: 'Redis',
    start: startRedis,
    fill: `${Array.from({ length: ROWS }, (_, index) => `set order:${index} note`).join('\n')}\nset text "two words"`,
    change: 'flushall\nset order:1 lost',
    stateQuery: 'dbsize\nget order:1\nget text',
  },
];

let testServer: TestServer;
let owner: TestPerson;
let server: Server;
let project: { id: string };
const databases = new Map<string, Database>();
before(async () => {
  testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  owner = await signUpOwner(testServer);
  server = (await owner.call<Server>('/v1/servers', { body: { name: 'Here', kind: 'local' } })).body;
  project = (await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } })).body;
  for (const { heading, start } of DATABASES) databases.set(heading, await start());
});
after(async () => {
  await testServer.close();
  for (const database of databases.values()) await database.close();
});

/** Sends a POST that starts work on a backup; returns the backup when that work has finished. */
async function runToEnd(path: string, isFinished: (backup: Backup) => boolean): Promise<Backup> {
  const { body, status, text } = await owner.call<Backup>(path, { method: 'POST' });
  assert.equal(status, 202, text);
  const get = async () => (await owner.call<Backup>(`/v1/backups/${body.id}`)).body;
  await until(async () => isFinished(await get()));
  return get();
}

for (const { heading, fill, change, stateQuery, leftoverQuery } of DATABASES) {
  test(`${heading}: a backup can be verified in a scratch database and restored, and fails if the database cannot be read`, async () => {
    const database = databases.get(heading);
    assert.ok(database !== undefined);
    const recipe = recipeOf(heading);
    // No password is on a command line.
    for (const command of Object.values(recipe)) assert.doesNotMatch(command, /password=|PASSWORD|-p"?\$(?!.*PORT)/i);
    database.query(fill);
    const original = database.query(stateQuery);
    const directory = temporaryDirectory();
    const body = { name: heading, projectId: project.id, serverId: server.id, directory, backup: recipe };
    const app = (await owner.call<App>('/v1/apps', { body })).body;
    const { variables } = database;
    await owner.call(`/v1/apps/${app.id}/env`, { method: 'PATCH', body: { values: variables } });
    const backup = await runToEnd(`/v1/apps/${app.id}/backups`, ({ finishedAt }) => finishedAt !== null);
    assert.equal(backup.status, 'completed', backup.error ?? '');
    database.query(change);
    const changed = database.query(stateQuery);
    assert.notEqual(changed, original);
    const verified = await runToEnd(
      `/v1/backups/${backup.id}/verify`,
      ({ lastVerification }) => lastVerification?.finishedAt !== null,
    );
    assert.equal(verified.lastVerification?.status, 'completed', verified.lastVerification?.error ?? '');
    assert.equal(database.query(stateQuery), changed);
    if (leftoverQuery !== undefined) assert.equal(database.query(leftoverQuery), '');
    const restored = await runToEnd(
      `/v1/backups/${backup.id}/restore`,
      ({ lastRestore }) => lastRestore?.finishedAt !== null,
    );
    assert.equal(restored.lastRestore?.status, 'completed', restored.lastRestore?.error ?? '');
    assert.equal(database.query(stateQuery), original);
    if (heading === 'SQLite') assert.equal(database.query('pragma user_version'), '7\n');
    // A backup fails if the database cannot be read, because the password or the path is wrong.
    const isNeededToRead = (name: string) => /PASSWORD|PWD|AUTH|^DATABASE$/.test(name);
    const invalidVariables = Object.fromEntries(
      Object.keys(variables)
        .filter(isNeededToRead)
        .map((name) => [name, '/nonexistent/db']),
    );
    await owner.call(`/v1/apps/${app.id}/env`, { method: 'PATCH', body: { values: invalidVariables } });
    const failed = await runToEnd(`/v1/apps/${app.id}/backups`, ({ finishedAt }) => finishedAt !== null);
    assert.equal(failed.status, 'failed', heading);
  });
}
