import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { openSqliteStore } from '../store/sqlite.ts';
import { assertStoreComplete } from '../store/sqlite-integrity.ts';
import { StartRefusedError } from '../store/start-refused-error.ts';
import { runCommand, spawnServer } from '../testing/process.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { seedWorkspace } from '../testing/test-store.ts';
import { until } from '../testing/until.ts';
import { openStore } from './open-store.ts';
import { readSettings } from './settings.ts';

const root = temporaryDirectory();

let copyCount = 0;
/** Copies a data directory, so that a test can damage the copy. */
function createCopyOf(directory: string): string {
  const copy = join(root, `copy-${++copyCount}`);
  cpSync(directory, copy, { recursive: true });
  return copy;
}

/** Returns the message with which a data directory is refused; empty if it is accepted. */
const refusalOf = (directory: string): string => {
  try {
    assertStoreComplete(directory);
    return '';
  } catch (error) {
    assert.ok(error instanceof StartRefusedError, String(error));
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
};

const open = (directory: string, options: Parameters<typeof openStore>[1] = {}) =>
  openStore(readSettings({ DEVPILOT_DATA_DIR: directory }), options);

async function startAndStop(directory: string): Promise<void> {
  const { store, release } = await open(directory);
  await store.close();
  release();
}

describe('a data directory', () => {
  /** The state after a crash: the newest writes are only in the write-ahead log. */
  const crashed = join(root, 'crashed');
  /** The state after a clean shutdown. */
  const stopped = join(root, 'stopped');
  before(async () => {
    const { store, release } = await open(stopped);
    await seedWorkspace(store);
    cpSync(stopped, crashed, { recursive: true });
    await store.close();
    release();
  });

  test('is accepted after a crash, after a clean shutdown, and if an earlier version wrote it', async () => {
    assert.ok(statSync(join(crashed, 'devpilot.db-wal')).size > 32);
    assert.ok(!existsSync(join(stopped, 'devpilot.db-wal')));
    for (const directory of [crashed, stopped]) {
      assert.equal(refusalOf(directory), '');
      const copy = createCopyOf(directory);
      await startAndStop(copy);
      assert.equal(refusalOf(copy), '');
    }
    const earlier = createCopyOf(stopped);
    rmSync(join(earlier, 'devpilot.state'));
    const database = new DatabaseSync(join(earlier, 'devpilot.db'));
    database.exec('delete from installation');
    database.close();
    await startAndStop(earlier);
    assert.equal(refusalOf(earlier), '');
  });

  test('is still accepted after a crash if a start with another secret was refused', async () => {
    const copy = createCopyOf(crashed);
    const otherSettings = readSettings({
      DEVPILOT_DATA_DIR: copy,
      DEVPILOT_SECRET: 'another secret that is long enough',
    });
    await assert.rejects(openStore(otherSettings), /is not the secret/);
    assert.equal(refusalOf(copy), '');
    await startAndStop(copy);
  });

  const damages: Readonly<Record<string, { from: string; message: RegExp; damage: (directory: string) => void }>> = {
    'without its write-ahead log': {
      from: crashed,
      message: /-wal is missing/,
      damage: (directory) => rmSync(join(directory, 'devpilot.db-wal')),
    },
    'with an emptied write-ahead log': {
      from: crashed,
      message: /-wal is missing/,
      damage: (directory) => truncateSync(join(directory, 'devpilot.db-wal')),
    },
    'with an overwritten write-ahead log': {
      from: crashed,
      message: /-wal is missing or damaged/,
      damage: (directory) => writeFileSync(join(directory, 'devpilot.db-wal'), Buffer.alloc(100_000, 7)),
    },
    'with only the database file and the secret': {
      from: crashed,
      message: /-wal is missing/,
      damage: (directory) => {
        for (const name of readdirSync(directory))
          if (!['devpilot.db', 'secret'].includes(name)) rmSync(join(directory, name));
      },
    },
    'whose database file is missing': {
      from: stopped,
      message: /is missing, but .*devpilot\.state/,
      damage: (directory) => rmSync(join(directory, 'devpilot.db')),
    },
    'with only the secret': {
      from: stopped,
      message: /is missing, but .*secret/,
      damage: (directory) => {
        for (const name of readdirSync(directory)) if (name !== 'secret') rmSync(join(directory, name));
      },
    },
    'whose database file is empty': {
      from: stopped,
      message: /is empty/,
      damage: (directory) => truncateSync(join(directory, 'devpilot.db')),
    },
    'whose database file is truncated': {
      from: stopped,
      message: /is damaged/,
      damage: (directory) => truncateSync(join(directory, 'devpilot.db'), 20 * 4096),
    },
    'whose pages were overwritten': {
      from: stopped,
      message: /is damaged/,
      damage: (directory) => {
        const file = openSync(join(directory, 'devpilot.db'), 'r+');
        for (const page of [3, 9, 20, 31, 40]) writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096);
        closeSync(file);
      },
    },
    'whose database file is not a database': {
      from: stopped,
      message: /is damaged/,
      damage: (directory) => writeFileSync(join(directory, 'devpilot.db'), 'x'.repeat(8192)),
    },
  };
  for (const [state, { from, message, damage }] of Object.entries(damages)) {
    test(`${state} is refused with one line that names the problem, and its database file is not modified`, () => {
      const copy = createCopyOf(from);
      damage(copy);
      const database = join(copy, 'devpilot.db');
      const modifiedMs = existsSync(database) ? statSync(database).mtimeMs : 0;
      for (let attempt = 0; attempt < 2; attempt++) assert.match(refusalOf(copy), message);
      assert.equal(existsSync(database) ? statSync(database).mtimeMs : 0, modifiedMs);
    });
  }

  test('is refused if its database file is an older copy, or belongs to another installation', async () => {
    const copy = createCopyOf(stopped);
    await startAndStop(copy);
    copyFileSync(join(stopped, 'devpilot.db'), join(copy, 'devpilot.db'));
    assert.match(refusalOf(copy), /is older than/);
    const otherDirectory = join(root, 'other');
    await startAndStop(otherDirectory);
    copyFileSync(join(stopped, 'devpilot.db'), join(otherDirectory, 'devpilot.db'));
    assert.match(refusalOf(otherDirectory), /is not the database/);
  });

  test('with lost writes is opened in its current state once the operator accepts the loss', async () => {
    const copy = createCopyOf(crashed);
    rmSync(join(copy, 'devpilot.db-wal'));
    rmSync(join(copy, 'devpilot.db-shm'), { force: true });
    const settings = { DEVPILOT_DATA_DIR: copy, PORT: '0' };
    const refused = await runCommand(['serve'], settings);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^devpilot: [^\n]*devpilot\.db-wal is missing[^\n]*accept --lost-changes\n$/);
    const accepted = await runCommand(['store', 'accept', '--lost-changes'], settings);
    assert.equal(accepted.code, 0, accepted.stderr);
    await startAndStop(copy);
  });

  test('is created again if its creation was interrupted', async () => {
    const directory = join(root, 'interrupted');
    mkdirSync(directory);
    writeFileSync(join(directory, 'devpilot.state'), '{"store":null,"starts":0}');
    writeFileSync(join(directory, 'secret'), 'x'.repeat(64));
    writeFileSync(join(directory, 'devpilot.db'), '');
    await startAndStop(directory);
  });
});

test('the database file contains all but the last writes while writes continue, and all of them afterwards', async () => {
  const directory = join(root, 'behind');
  const { store, release } = await open(directory);
  const { workspaceId } = await seedWorkspace(store);
  const text = 'x'.repeat(4000);
  for (let index = 0; index < 200; index++) {
    await store.transaction(async (trx) => {
      for (let row = 0; row < 20; row++) {
        const key = `key-${index}-${row}`;
        await sql`insert into idempotency (workspace_id, principal_id, route, key, body_mac, resource_id, at)
          values (${workspaceId}, 'p', 'r', ${key}, ${text}, 'x', 1)`.execute(trx);
      }
    });
  }
  const { size } = statSync(join(directory, 'devpilot.db-wal'));
  assert.ok(size < 12 * 1_048_576, `${size} bytes of log`);
  // Once no writes are pending, the file alone is complete. A copy made during a checkpoint may be damaged.
  const loneFile = join(root, 'alone.db');
  await until(async () => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${loneFile}${suffix}`, { force: true });
    copyFileSync(join(directory, 'devpilot.db'), loneFile);
    const copy = new DatabaseSync(loneFile);
    try {
      return copy.prepare('select count(*) as count from idempotency').get()?.['count'] === 4_000;
    } catch {
      return false;
    } finally {
      copy.close();
    }
  });
  await store.close();
  release();
});

test('a store is reported as faulty if a query reads a damaged page', async () => {
  const directory = join(root, 'damaged');
  await startAndStop(directory);
  const path = join(directory, 'devpilot.db');
  const database = new DatabaseSync(path);
  const page = Number(
    database.prepare("select rootpage from sqlite_schema where name = 'workspace'").get()?.['rootpage'],
  );
  database.close();
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, (page - 1) * 4096);
  closeSync(file);
  const store = await openSqliteStore(path);
  assert.equal(store.fault?.(), null);
  await assert.rejects(sql`select * from workspace`.execute(store.read));
  assert.match(store.fault?.() ?? '', /damaged/);
  await store.close();
});

test('a store that is too large to be checked before the start is checked while the server runs', async (t) => {
  const directory = join(root, 'large');
  const { store, release } = await open(directory);
  const { workspaceId } = await seedWorkspace(store);
  const text = 'x'.repeat(3500);
  await store.transaction(async (trx) => {
    for (let index = 0; index < 6_000; index++) {
      await sql`insert into idempotency (workspace_id, principal_id, route, key, body_mac, resource_id, at)
        values (${workspaceId}, 'p', 'r', ${`key-${String(index).padStart(6, '0')}`}, ${text}, 'x', 1)`.execute(trx);
    }
  });
  await store.close();
  release();
  const { size } = statSync(join(directory, 'devpilot.db'));
  assert.ok(size > 20 * 1_048_576);
  const file = openSync(join(directory, 'devpilot.db'), 'r+');
  for (let page = Math.floor(size / 8192); page < size / 8192 + 40; page++)
    writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096);
  closeSync(file);
  assert.equal(refusalOf(directory), '');
  // A fast machine finds the damage within a second and refuses to start; a slower one starts, but is not ready.
  const outcome = await spawnServer(directory).then(
    async (server) => {
      await until(async () => (await fetch(`${server.url}/readyz`)).status !== 200);
      await server.stop('SIGTERM');
      return 'not ready';
    },
    (error: unknown) => String(error),
  );
  t.diagnostic(outcome);
  assert.match(outcome, /not ready|is damaged/);
});
