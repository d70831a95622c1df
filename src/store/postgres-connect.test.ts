import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { Problem } from '../contract/problem.ts';
import { startPgBouncer } from '../testing/pgbouncer.ts';
import { freePort, startPostgres, type TestPostgres } from '../testing/postgres.ts';
import { type Standby, startStandby } from '../testing/standby.ts';
import { declareStoreSuite } from '../testing/store-suite.ts';
import { openPostgresTestStore } from '../testing/test-store.ts';
import { startTlsProxy } from '../testing/tls-proxy.ts';
import { until } from '../testing/until.ts';
import { openPostgresStore } from './postgres.ts';
import { connectClient, createPostgresServers } from './postgres-connect.ts';
import { parsePostgresUrl } from './postgres-url.ts';
import { StartRefusedError } from './start-refused-error.ts';

const postgres = await startPostgres();
after(() => postgres.close());

/** Timeouts of connections that the tests open without a store. */
const TIMEOUTS = { connectMs: 3000, statementMs: 1500, responseMs: 3000 };

/** A wrong password. It must not occur in an error message. */
const WRONG_PASSWORD = 'sesame';

/** Executes a statement over a connection of its own and returns the rows. */
async function queryAsAdmin(statement: string, database = 'postgres', port = postgres.port): Promise<unknown[]> {
  const client = new pg.Client(`postgres://devpilot:devpilot@127.0.0.1:${port}/${database}`);
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Returns the message of the error that opening the store at a URL throws; empty if the store opens. */
async function refusalAt(url: string): Promise<string> {
  try {
    const store = await openPostgresStore(url, () => undefined);
    await store.close();
    return '';
  } catch (error) {
    assert.ok(error instanceof StartRefusedError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    assert.ok(!error.message.includes(WRONG_PASSWORD));
    return error.message;
  }
}

for (const mode of ['session', 'transaction'] as const) {
  const bouncer = await startPgBouncer(postgres, mode, mode === 'session' ? 60 : 3);
  after(() => bouncer.close());
  if (mode === 'transaction') {
    declareStoreSuite('PostgreSQL behind PgBouncer', () =>
      openPostgresTestStore({
        ...postgres,
        createDatabase: async () => bouncer.toPooledUrl(await postgres.createDatabase()),
      }),
    );
  }

  test(`behind PgBouncer, ${mode} pooling, concurrent lookups and transactions succeed, and transactions have the statement timeout`, async () => {
    const store = await openPostgresStore(bouncer.toPooledUrl(await postgres.createDatabase()), () => undefined);
    await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        index % 2 === 0
          ? store.queryFirst('select number from revocation_counter where id = ?', [index % 3])
          : store.transaction((trx) =>
              trx
                .insertInto('failure')
                .values({ subject: `s${index}`, address: 'a', at: index })
                .execute(),
            ),
      ),
    );
    const statementTimeout = await store.transaction(async (trx) => {
      const [row] = await trx
        .selectNoFrom((eb) => eb.fn<string>('current_setting', [eb.val('statement_timeout')]).as('timeout'))
        .execute();
      return row?.timeout;
    });
    assert.equal(statementTimeout, '15s');
    await store.close();
  });
}

test('without a pooler, the session has the configured statement timeout', async () => {
  const client = await connectClient(createPostgresServers(await postgres.createDatabase()), TIMEOUTS);
  const { rows } = await client.query('show statement_timeout');
  assert.deepEqual(rows, [{ statement_timeout: '1500ms' }]);
  await client.end();
});

describe('several servers', () => {
  let standby: Standby;
  let primary: TestPostgres;
  before(async () => {
    primary = await startPostgres();
    standby = await startStandby(primary);
  });
  after(async () => {
    await standby.close();
    await primary.close();
  });

  test('the writable server is found after an unreachable one and a standby, and the store connects to the standby after its promotion', async () => {
    const ports = [await freePort(), standby.port, primary.port];
    const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
    const database = new URL(await primary.createDatabase()).pathname.slice(1);
    const url = `postgres://devpilot:devpilot@${hosts}/${database}?target_session_attrs=read-write`;
    const standbyUrl = `postgres://devpilot:devpilot@127.0.0.1:${standby.port}/postgres`;
    assert.match(await refusalAt(standbyUrl), /is a standby, which accepts no writes/);

    const store = await openPostgresStore(url, () => undefined);
    const write = (number: number) =>
      store.transaction((trx) =>
        trx.insertInto('failure').values({ subject: 's', address: 'a', at: number }).execute(),
      );
    await write(1);
    // The standby must have replayed the first write before the primary is killed.
    const countQuery = "select count(*)::int as count from failure where subject = 's'";
    await until(async () => {
      const rows = await queryAsAdmin(countQuery, database, standby.port).catch(() => []);
      return (rows[0] as { count: number } | undefined)?.count === 1;
    }, 20_000);
    await primary.stop('SIGKILL');
    await assert.rejects(write(2), (error) => error instanceof Problem && error.code === 'unavailable');
    await queryAsAdmin('select pg_promote()', 'postgres', standby.port);
    await until(
      () =>
        write(3).then(
          () => true,
          () => false,
        ),
      20_000,
    );
    const row = await store.queryFirst<{ count: number }>('select count(*) as count from failure where subject = ?', [
      's',
    ]);
    // The first and the last write. A write whose response was lost may be stored too.
    assert.ok((row?.count ?? 0) >= 2);
    await store.close();
    await primary.start();
  });
});

describe('a failed start', () => {
  const urlWithWrongPassword = (host: string) => `postgres://devpilot:${WRONG_PASSWORD}@${host}/postgres`;

  test('names the cause, but never the password', async () => {
    const closedPort = await freePort();
    const hostAndPort = `127.0.0.1:${postgres.port}`;
    await queryAsAdmin("create database latin encoding 'LATIN1' template template0 locale_provider libc locale 'C'");
    await queryAsAdmin("create database ascii encoding 'SQL_ASCII' template template0 locale_provider libc locale 'C'");
    await queryAsAdmin('create database frozen');
    await queryAsAdmin('alter database frozen set default_transaction_read_only = on');
    const validUrl = `postgres://devpilot:devpilot@${hostAndPort}`;
    const cases: [url: string, message: RegExp][] = [
      [urlWithWrongPassword('there-is-none.invalid'), /there-is-none\.invalid:5432: the host name .*DNS/],
      [urlWithWrongPassword(`127.0.0.1:${closedPort}`), /refused/],
      [urlWithWrongPassword(hostAndPort), /authentication failed/],
      [`${validUrl}/nothing`, /the database does not exist/],
      [`${validUrl}/postgres?sslmode=require`, /does not offer TLS/],
      [`${validUrl}/latin`, /encoding is LATIN1: .*UTF8/],
      [`${validUrl}/ascii`, /encoding is SQL_ASCII/],
      [`${validUrl}/frozen`, /read-only/],
    ];
    for (const [url, message] of cases) {
      const refusal = await refusalAt(url);
      assert.match(refusal, /^DATABASE_URL: /);
      assert.match(refusal, message);
    }
  });
});

test('sslmode has the same meaning as in libpq', async () => {
  const proxy = await startTlsProxy(postgres.port);
  after(proxy.close);
  const plain = `postgres://devpilot:devpilot@127.0.0.1:${postgres.port}/postgres`;
  const tls = (host: string, query: string) => `postgres://devpilot:devpilot@${host}:${proxy.port}/postgres?${query}`;
  const ca = `sslrootcert=${proxy.authorityFile}`;
  const outcome = (url: string) =>
    connectClient(createPostgresServers(url), TIMEOUTS).then(
      (client) => client.end().then(() => 'connected'),
      (error: Error) => error.message,
    );
  for (const [url, expected] of [
    [plain, /^connected/],
    [`${plain}?sslmode=prefer`, /^connected/],
    [`${plain}?sslmode=allow`, /^connected/],
    [`${plain}?sslmode=require`, /does not offer TLS/],
    [tls('localhost', ''), /^connected/],
    [tls('localhost', 'sslmode=require'), /^connected/],
    [tls('localhost', 'sslmode=verify-ca'), /certificate is not trusted/],
    [tls('localhost', `sslmode=verify-ca&${ca}`), /^connected/],
    [tls('localhost', `sslmode=verify-full&${ca}`), /^connected/],
    [tls('127.0.0.1', `sslmode=verify-ca&${ca}`), /^connected/],
    [tls('127.0.0.1', `sslmode=verify-full&${ca}`), /certificate is not trusted/],
    // The proxy accepts only TLS, so the attempt fails with an error that names the host.
    [tls('localhost', 'sslmode=disable'), /127\.0\.0\.1|localhost/],
  ] as const) {
    assert.match(await outcome(url), expected, url);
  }
});

test('a URL is read as libpq reads it, and invalid values and unknown parameters are rejected', () => {
  const hostsOf = (url: string) =>
    parsePostgresUrl(url).attempts.map(({ host, port, ssl }) => `${host}:${port}${ssl === false ? '' : ' tls'}`);
  assert.deepEqual(hostsOf('postgres://a,b:6000/db?sslmode=disable'), ['a:5432', 'b:6000']);
  assert.deepEqual(hostsOf('postgresql://u:p@[::1]:7/db?sslmode=require'), ['::1:7 tls']);
  assert.deepEqual(hostsOf('postgres://u@/db?host=/var/run/postgresql'), ['/var/run/postgresql:5432']);
  assert.deepEqual(hostsOf('postgres://x/db?host=a,b&port=1,2&sslmode=allow'), ['a:1', 'a:1 tls', 'b:2', 'b:2 tls']);
  const { user, password, database } = parsePostgresUrl('postgres://u%40x:p%2Fw@h/d%20b');
  assert.deepEqual([user, password, database], ['u@x', 'p/w', 'd b']);
  for (const invalidUrl of [
    'postgres://h:0/d',
    'postgres://h:70000/d',
    'postgres://h/d?sslmod=verify-full',
    'postgres://h/d?sslmode=nonsense',
    'postgres://h/d?target_session_attrs=standby',
    'postgres://h/d?sslrootcert=/there/is/none',
    'postgres://u:%zz@h/d',
    'postgres://a,b/d?port=1,2,3',
  ]) {
    assert.throws(
      () => parsePostgresUrl(invalidUrl),
      (error) => error instanceof Error && !error.message.includes('%zz'),
    );
  }
});
