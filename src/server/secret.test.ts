import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { backupKeyOf, currentBackupKey } from '../platform/backups/backup-keys.ts';
import { createSeal } from '../store/seal.ts';
import { StartRefusedError } from '../store/start-refused-error.ts';
import { forEachEngine } from '../testing/engines.ts';
import { seedPerson, seedWorkspace } from '../testing/test-store.ts';
import { openStore } from './open-store.ts';
import { rotateSecret } from './secret-rotation.ts';
import { readSettings } from './settings.ts';

const [FIRST, OTHER] = ['the first secret of a test, long enough', 'the other secret of a test, long enough'];

const folder = () => mkdtempSync(join(tmpdir(), 'devpilot-secret-'));

/** Opens the store that the environment names, calls a function with it, and closes it. */
async function open(
  environment: Readonly<Record<string, string>>,
  work: (opened: Awaited<ReturnType<typeof openStore>>) => Promise<unknown> = () => Promise.resolve(),
  options: Parameters<typeof openStore>[1] = {},
): Promise<void> {
  const opened = await openStore(readSettings(environment), options);
  try {
    await work(opened);
  } finally {
    await opened.store.close();
    opened.release();
  }
}

const refusedWith =
  (...words: string[]) =>
  (error: unknown) =>
    error instanceof StartRefusedError &&
    !error.message.includes('\n') &&
    words.every((word) => error.message.includes(word));

forEachEngine('a secret', (engine) => {
  let environment: Readonly<Record<string, string>>;
  const directory = folder();
  before(async () => {
    environment = { ...(await engine.environment()), DEVPILOT_DATA_DIR: directory };
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  test('that differs from the one at the first start is refused with the name of the setting', async () => {
    await open({ ...environment, DEVPILOT_SECRET: FIRST });
    await assert.rejects(
      open({ ...environment, DEVPILOT_SECRET: OTHER }),
      refusedWith('DEVPILOT_SECRET', '--lost-secret'),
    );
    const file = join(directory, 'other-secret');
    writeFileSync(file, OTHER);
    const { DEVPILOT_SECRET: _, ...rest } = environment;
    await assert.rejects(open({ ...rest, DEVPILOT_SECRET_FILE: file }), refusedWith('DEVPILOT_SECRET_FILE'));
    await open({ ...environment, DEVPILOT_SECRET: FIRST });
  });

  test('for a store of an earlier version is accepted only if it decrypts what is stored there', async () => {
    await open({ ...environment, DEVPILOT_SECRET: FIRST }, async ({ store }) => {
      const id = await seedPerson(store);
      const sealed = createSeal([Buffer.from(FIRST)]).seal('a key', `totp ${id}`);
      await store.transaction(async (trx) => {
        await sql`update person set totp_sealed = ${sealed} where id = ${id}`.execute(trx);
        await sql`update installation set secret_check = null`.execute(trx);
      });
    });
    await assert.rejects(open({ ...environment, DEVPILOT_SECRET: OTHER }), refusedWith('DEVPILOT_SECRET'));
    await open({ ...environment, DEVPILOT_SECRET: FIRST });
    await assert.rejects(open({ ...environment, DEVPILOT_SECRET: OTHER }), refusedWith('DEVPILOT_SECRET'));
  });

  test('that is lost can be given up: the configured one is accepted from then on', async () => {
    await open({ ...environment, DEVPILOT_SECRET: OTHER }, undefined, { acceptLostSecret: true });
    await open({ ...environment, DEVPILOT_SECRET: OTHER });
    await assert.rejects(open({ ...environment, DEVPILOT_SECRET: FIRST }), refusedWith('DEVPILOT_SECRET'));
  });
});

describe('the secret in the data directory', () => {
  let directory: string;
  let path: string;
  const environment = () => ({ DEVPILOT_DATA_DIR: directory });
  before(async () => {
    directory = folder();
    path = join(directory, 'secret');
    await open(environment());
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  test('is never generated beside an existing store, and a missing, empty or wrong one is named', async () => {
    const secretFile = readFileSync(path, 'utf8');
    rmSync(path);
    await assert.rejects(open(environment()), refusedWith(path, 'devpilot.db', 'missing'));
    assert.equal(existsSync(path), false);
    writeFileSync(path, '');
    await assert.rejects(open(environment()), refusedWith(path, '0 bytes'));
    writeFileSync(path, OTHER);
    await assert.rejects(open(environment()), refusedWith(path));
    writeFileSync(path, secretFile);
    await open(environment());
    await assert.rejects(open({ ...environment(), DEVPILOT_SECRET: OTHER }), refusedWith('DEVPILOT_SECRET'));
  });

  test('is the next one after a rotation that was interrupted just before its end', async () => {
    const old = readFileSync(path, 'utf8');
    await rotateSecret(readSettings(environment()), null);
    const fresh = readFileSync(path, 'utf8');
    renameSync(path, `${path}.new`);
    writeFileSync(path, old);
    await open(environment());
    assert.equal(readFileSync(path, 'utf8'), fresh);
    assert.equal(existsSync(`${path}.new`), false);
  });
});

test('a rotation seals the keys of backups again, so that earlier backups stay readable', async () => {
  const directory = folder();
  const environment = { DEVPILOT_DATA_DIR: directory };
  const keys: { workspaceId: string; id: string; key: Buffer }[] = [];
  await open(environment, async ({ store, secret }) => {
    const { workspaceId } = await seedWorkspace(store);
    const context = { seal: createSeal([secret]), clock: Date.now };
    keys.push({ workspaceId, ...(await store.transaction((trx) => currentBackupKey(trx, context, workspaceId))) });
  });
  await rotateSecret(readSettings(environment), null);
  await open(environment, async ({ store, secret }) => {
    const context = { seal: createSeal([secret]), clock: Date.now };
    for (const { workspaceId, id, key } of keys) {
      assert.deepEqual(await backupKeyOf(store.read, context, workspaceId, id), key);
      assert.equal((await store.transaction((trx) => currentBackupKey(trx, context, workspaceId))).id, id);
      // After the secret was lost, new backups get a key that can be opened.
      const lost = { ...context, seal: createSeal([Buffer.from(OTHER)]) };
      await assert.rejects(backupKeyOf(store.read, lost, workspaceId, id), /needs an older DEVPILOT_SECRET/);
      const fresh = await store.transaction((trx) => currentBackupKey(trx, lost, workspaceId));
      assert.notEqual(fresh.id, id);
    }
  });
  rmSync(directory, { recursive: true, force: true });
});
