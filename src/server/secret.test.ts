import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { currentBackupKey, requireBackupKey } from '../platform/backups/backup-keys.ts';
import { createSeal } from '../store/seal.ts';
import { StartRefusedError } from '../store/start-refused-error.ts';
import { forEachEngine } from '../testing/engines.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { seedPerson, seedWorkspace } from '../testing/test-store.ts';
import { openStore } from './open-store.ts';
import { rotateSecret } from './secret-rotation.ts';
import { readSettings } from './settings.ts';

const FIRST_SECRET = 'the first secret of a test, long enough';
const OTHER_SECRET = 'the other secret of a test, long enough';

/** Opens the store that the environment configures, calls a function with it, and closes it. */
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

// The tests of each group run in order on one store: each continues with the secret that the previous test left.
forEachEngine('a secret', (engine) => {
  let environment: Readonly<Record<string, string>>;
  const directory = temporaryDirectory();
  before(async () => {
    environment = { ...(await engine.environment()), DEVPILOT_DATA_DIR: directory };
  });

  test('is refused with the name of the setting if it differs from the secret of the first start', async () => {
    await open({ ...environment, DEVPILOT_SECRET: FIRST_SECRET });
    await assert.rejects(
      open({ ...environment, DEVPILOT_SECRET: OTHER_SECRET }),
      refusedWith('DEVPILOT_SECRET', '--lost-secret'),
    );
    const file = join(directory, 'other-secret');
    writeFileSync(file, OTHER_SECRET);
    const { DEVPILOT_SECRET: _, ...otherSettings } = environment;
    await assert.rejects(open({ ...otherSettings, DEVPILOT_SECRET_FILE: file }), refusedWith('DEVPILOT_SECRET_FILE'));
    await open({ ...environment, DEVPILOT_SECRET: FIRST_SECRET });
  });

  test('for a store of an earlier version is accepted only if it decrypts the stored values', async () => {
    await open({ ...environment, DEVPILOT_SECRET: FIRST_SECRET }, async ({ store }) => {
      const id = await seedPerson(store);
      const sealed = createSeal([Buffer.from(FIRST_SECRET)]).seal('a key', `totp ${id}`);
      await store.transaction(async (trx) => {
        await sql`update person set totp_sealed = ${sealed} where id = ${id}`.execute(trx);
        await sql`update installation set secret_check = null`.execute(trx);
      });
    });
    await assert.rejects(open({ ...environment, DEVPILOT_SECRET: OTHER_SECRET }), refusedWith('DEVPILOT_SECRET'));
    await open({ ...environment, DEVPILOT_SECRET: FIRST_SECRET });
    await assert.rejects(open({ ...environment, DEVPILOT_SECRET: OTHER_SECRET }), refusedWith('DEVPILOT_SECRET'));
  });

  test('can be replaced after its loss: with acceptLostSecret, the configured secret is accepted from then on', async () => {
    await open({ ...environment, DEVPILOT_SECRET: OTHER_SECRET }, undefined, { acceptLostSecret: true });
    await open({ ...environment, DEVPILOT_SECRET: OTHER_SECRET });
    await assert.rejects(open({ ...environment, DEVPILOT_SECRET: FIRST_SECRET }), refusedWith('DEVPILOT_SECRET'));
  });
});

describe('the secret in the data directory', () => {
  let directory: string;
  let path: string;
  const environment = () => ({ DEVPILOT_DATA_DIR: directory });
  before(async () => {
    directory = temporaryDirectory();
    path = join(directory, 'secret');
    await open(environment());
  });

  test('is never generated for an existing store; if it is missing, empty or wrong, the error names its path', async () => {
    const secret = readFileSync(path, 'utf8');
    rmSync(path);
    await assert.rejects(open(environment()), refusedWith(path, 'devpilot.db', 'missing'));
    assert.equal(existsSync(path), false);
    writeFileSync(path, '');
    await assert.rejects(open(environment()), refusedWith(path, '0 bytes'));
    writeFileSync(path, OTHER_SECRET);
    await assert.rejects(open(environment()), refusedWith(path));
    writeFileSync(path, secret);
    await open(environment());
    await assert.rejects(open({ ...environment(), DEVPILOT_SECRET: OTHER_SECRET }), refusedWith('DEVPILOT_SECRET'));
  });

  test('is replaced at the next start if a rotation was interrupted before it renamed the new secret', async () => {
    const oldSecret = readFileSync(path, 'utf8');
    await rotateSecret(readSettings(environment()), null);
    const newSecret = readFileSync(path, 'utf8');
    // Undoes the renaming, the last step of the rotation.
    renameSync(path, `${path}.new`);
    writeFileSync(path, oldSecret);
    await open(environment());
    assert.equal(readFileSync(path, 'utf8'), newSecret);
    assert.equal(existsSync(`${path}.new`), false);
  });
});

test('a rotation encrypts the backup keys with the new secret; after the loss of the secret, a new key is used', async () => {
  const directory = temporaryDirectory();
  const environment = { DEVPILOT_DATA_DIR: directory };
  let workspaceId = '';
  let backupKey: { id: string; key: Buffer } | undefined;
  await open(environment, async ({ store, secret }) => {
    ({ workspaceId } = await seedWorkspace(store));
    const context = { seal: createSeal([secret]), clock: Date.now };
    backupKey = await store.transaction((trx) => currentBackupKey(trx, context, workspaceId));
  });
  await rotateSecret(readSettings(environment), null);
  await open(environment, async ({ store, secret }) => {
    const context = { seal: createSeal([secret]), clock: Date.now };
    assert.ok(backupKey);
    const { id, key } = backupKey;
    assert.deepEqual(await requireBackupKey(store.read, context, workspaceId, id), key);
    assert.equal((await store.transaction((trx) => currentBackupKey(trx, context, workspaceId))).id, id);
    // After the secret was lost, new backups use a new key.
    const contextAfterLoss = { ...context, seal: createSeal([Buffer.from(OTHER_SECRET)]) };
    await assert.rejects(
      requireBackupKey(store.read, contextAfterLoss, workspaceId, id),
      /needs an older DEVPILOT_SECRET/,
    );
    const newKey = await store.transaction((trx) => currentBackupKey(trx, contextAfterLoss, workspaceId));
    assert.notEqual(newKey.id, id);
  });
});
