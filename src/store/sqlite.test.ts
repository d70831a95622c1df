import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { sql } from 'kysely';
import { declareStoreSuite } from '../testing/store-suite.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { openTestStore, seedCredential, seedWorkspace } from '../testing/test-store.ts';
import { lockDataDirectory } from './data-directory.ts';
import { activity } from './migrations/0012-activity.ts';
import { activitySpans } from './migrations/0036-activity-spans.ts';
import { activityKey } from './migrations/0070-activity-key.ts';
import { openSqliteStore } from './sqlite.ts';
import { openSqlite } from './sqlite-open.ts';
import { StartRefusedError } from './start-refused-error.ts';

declareStoreSuite('SQLite', openTestStore);

test('every connection sets synchronous to FULL, even after another connection has set it to NORMAL', async () => {
  const path = temporaryDirectory();
  const file = join(path, 'devpilot.db');
  const store = await openSqliteStore(file);
  const { rows } = await store.transaction((trx) => sql<{ synchronous: number }>`pragma synchronous`.execute(trx));
  assert.equal(rows[0]?.synchronous, 2);
  await store.close();

  const otherConnection = new DatabaseSync(file);
  otherConnection.exec('pragma journal_mode = wal; pragma synchronous = normal');
  otherConnection.close();
  for (const readOnly of [false, true]) {
    const reopened = openSqlite(file, readOnly);
    assert.equal(reopened.prepare('pragma synchronous').get()?.['synchronous'], 2);
    assert.equal(reopened.prepare('pragma foreign_keys').get()?.['foreign_keys'], 1);
    assert.equal(reopened.prepare('pragma journal_mode').get()?.['journal_mode'], 'wal');
    reopened.close();
  }
});

test('dates, objects and other unsupported parameters are rejected, never bound as NULL', async () => {
  const store = await openTestStore();
  await seedCredential(store, await seedWorkspace(store));
  for (const value of [new Date(), {}, { a: 1 }, [], undefined, true, Number.NaN, Number.POSITIVE_INFINITY, () => 1]) {
    await assert.rejects(
      async () => sql`select count(*) from credential where id = ${value}`.execute(store.read),
      TypeError,
    );
    await assert.rejects(
      store.transaction((trx) => sql`update credential set name = ${value}`.execute(trx)),
      TypeError,
    );
  }
  const rows = await store.read.selectFrom('credential').select('name').execute();
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['Billing'],
  );
  await store.close();
});

test('written rows can be read after reopening the file', async () => {
  const path = temporaryDirectory();
  const file = join(path, 'devpilot.db');
  const first = await openSqliteStore(file);
  const { id } = await seedCredential(first, await seedWorkspace(first));
  await first.close();
  const second = await openSqliteStore(file);
  assert.equal((await second.read.selectFrom('credential').select('id').executeTakeFirst())?.id, id);
  await second.close();
});

test('a data directory is created with mode 0700, and a second lock is refused while it is locked', () => {
  const path = temporaryDirectory();
  const directory = join(path, 'deep', 'data');
  const lock = lockDataDirectory(directory);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  assert.throws(
    () => lockDataDirectory(directory),
    (error) => error instanceof StartRefusedError && error.message.includes(`process ${process.pid}`),
  );
  lock.release();
  lockDataDirectory(directory).release();
});

test('the migrations of the activity tables keep the events and counts of an earlier version', () => {
  const database = new DatabaseSync(':memory:');
  database.exec("create table workspace (id text primary key); insert into workspace values ('wsp_a'), ('wsp_b')");
  for (const statement of activity()) database.exec(statement);
  const event = database.prepare(
    `insert into activity_event (workspace_id, source, id, sequence, type, subject, at, data, received_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (let index = 0; index < 300; index++) {
    const workspaceId = index % 2 === 0 ? 'wsp_a' : 'wsp_b';
    event.run(
      workspaceId,
      `/${index % 7}`,
      `id-${index}`,
      300 - index,
      't',
      index % 3 === 0 ? null : `s-${index}`,
      index * 10,
      '{}',
      index,
    );
  }
  database.exec(
    "insert into activity_rollup values ('wsp_a', 'day', 'type', 0, 't', 150, 2, 's'), ('wsp_a', 'day', 'subject', 0, '', 1, 0, null)",
  );
  const readAllRows = () =>
    [
      'select * from activity_event order by workspace_id, sequence',
      'select * from activity_rollup order by dimension',
    ].map((query) => database.prepare(query).all());
  const before = readAllRows();
  for (const statement of activitySpans('blob')) database.exec(statement);
  assert.deepEqual(readAllRows(), before);
  assert.throws(() => event.run('wsp_a', '/0', 'id-0', 300, 't', null, 0, null, 0), /UNIQUE/);
  const rowsWithoutDuplicate = readAllRows();
  event.run('wsp_a', '/0', 'id-0', 100_000, 't', null, 0, null, 0);
  for (const statement of activityKey('blob')) database.exec(statement);
  assert.deepEqual(readAllRows(), rowsWithoutDuplicate, 'of duplicate rows, the first is kept');
  assert.throws(() => event.run('wsp_a', '/0', 'id-0', 100_000, 't', null, 0, null, 0), /UNIQUE/);
  database.close();
});
