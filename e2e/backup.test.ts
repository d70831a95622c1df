import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { CreatedApiKey } from '../src/contract/api-keys.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { createKey, signInRemotePerson, type TestPerson } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import {
  authorizeStatus,
  createEncryptedVariable,
  EMAIL,
  ENGINES,
  type Environment,
  newFolderPath,
  newInstallationSettings,
  readEncryptedVariables,
  runDevpilot,
  runSuccessfully,
  signUp,
  startServer,
} from './installation-fixture.ts';

const WRITERS = 4;
const WRITES_BEFORE_BACKUP = 40;

/**
 * Creates and deletes keys until stopped. `created` and `deleted` contain only keys whose creation or deletion was
 * acknowledged.
 */
function startWriting(owner: TestPerson) {
  const created: CreatedApiKey[] = [];
  const deleted: CreatedApiKey[] = [];
  let isWriting = true;
  const writers = Array.from({ length: WRITERS }, async () => {
    for (let index = 0; isWriting; index++) {
      const key = await createKey(owner, ['read']);
      if (index % 3 !== 0) {
        created.push(key);
        continue;
      }
      assert.equal((await owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' })).status, 204);
      deleted.push(key);
    }
  });
  return {
    created,
    deleted,
    async stop() {
      isWriting = false;
      await Promise.all(writers);
    },
  };
}

for (const from of ENGINES) {
  describe(`a backup of ${from}`, () => {
    test('taken during writes contains everything acknowledged before it, and restores into either database', async () => {
      const settings = await newInstallationSettings(from);
      const server = await startServer(settings);
      const owner = await signUp(server);
      const encrypted = await createEncryptedVariable(server, owner);
      const writers = startWriting(owner);
      await until(async () => writers.created.length >= WRITES_BEFORE_BACKUP);
      const created = [...writers.created];
      const deleted = [...writers.deleted];
      const folder = newFolderPath();
      const output = await runSuccessfully(settings, 'backup', folder);
      assert.ok(writers.created.length > created.length, 'writes continued during the backup');
      await writers.stop();
      await server.stop('SIGKILL');

      assert.equal(statSync(folder).mode & 0o777, 0o700);
      for (const file of ['devpilot.db', 'backup.json']) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600);
      assert.equal(existsSync(join(folder, 'secret')), from === 'sqlite');
      assert.match(
        output,
        from === 'sqlite' ? /The backup contains the secret/ : /The backup does not contain the secret/,
      );

      for (const to of ENGINES) {
        // A backup of SQLite contains the secret, which `restore` writes into the data directory but not into
        // PostgreSQL.
        const secretSettings: Record<string, string> = {};
        if (from === 'postgres') secretSettings['DEVPILOT_SECRET'] = TEST_SECRET;
        else if (to === 'postgres')
          secretSettings['DEVPILOT_SECRET'] = readFileSync(join(folder, 'secret'), 'utf8').trim();
        const target = await newInstallationSettings(to, secretSettings);
        assert.doesNotMatch(await runSuccessfully(target, 'restore', folder), /cannot be decrypted/);
        const restored = await startServer(target);
        for (const key of created) assert.equal(await authorizeStatus(restored, key), 200);
        for (const key of deleted) assert.equal(await authorizeStatus(restored, key), 401);
        assert.deepEqual(await readEncryptedVariables(restored, encrypted), ['PIN=encrypted ✓']);
        const person = await signInRemotePerson(restored.url, EMAIL);
        assert.equal(await authorizeStatus(restored, await createKey(person, ['read'])), 200);
        await runSuccessfully(target, 'audit', 'verify');
        const { code, output: refused } = await runDevpilot(target, 'restore', folder);
        assert.equal(code, to === 'sqlite' ? 2 : 1);
        assert.match(refused, to === 'sqlite' ? /in use|already exists/ : /not empty/);
        assert.equal((await restored.stop('SIGTERM')).code, 0);
      }
    });
  });
}

test("backup, migrate, serve, restore and store copy are refused if DEVPILOT_SECRET is not the database's secret", async () => {
  const settings = await newInstallationSettings('sqlite', { DEVPILOT_SECRET: TEST_SECRET });
  await (await startServer(settings)).stop('SIGTERM');
  const otherSecret = { DEVPILOT_SECRET: 'another secret of the tests, long enough' };
  const folder = newFolderPath();
  const assertRefused = async (environment: Environment, ...args: string[]) => {
    const { code, output } = await runDevpilot(environment, ...args);
    assert.equal(code, 2, output);
    assert.match(output, /^devpilot: DEVPILOT_SECRET is not the secret[^\n]*\n$/);
  };
  for (const command of [['backup', folder], ['migrate'], ['serve']])
    await assertRefused({ ...settings, ...otherSecret }, ...command);
  await runSuccessfully(settings, 'backup', folder);
  const target = await newInstallationSettings('sqlite', otherSecret);
  await assertRefused(target, 'restore', folder);
  assert.equal(existsSync(join(target['DEVPILOT_DATA_DIR'] ?? '', 'devpilot.db')), false);
  await runSuccessfully({ ...target, DEVPILOT_SECRET: TEST_SECRET }, 'restore', folder);
  await assertRefused(
    otherSecret,
    'store',
    'copy',
    '--from',
    settings['DEVPILOT_DATA_DIR'] ?? '',
    '--to',
    newFolderPath(),
  );
});

test('a modified, incomplete or missing backup is refused, and so is a backup without a database or into a directory that is not empty', async () => {
  const settings = await newInstallationSettings('sqlite');
  const server = await startServer(settings);
  await signUp(server);
  const folder = newFolderPath();
  await runSuccessfully(settings, 'backup', '--without-secret', folder);
  assert.equal(existsSync(join(folder, 'secret')), false);
  assert.match((await runDevpilot(settings, 'backup', folder)).output, /not empty/);
  await server.stop('SIGTERM');

  const target = await newInstallationSettings('sqlite');
  appendFileSync(join(folder, 'devpilot.db'), 'x');
  assert.match((await runDevpilot(target, 'restore', folder)).output, /digest does not match/);
  writeFileSync(join(folder, 'backup.json'), '{"half');
  assert.match((await runDevpilot(target, 'restore', folder)).output, /not a complete backup/);
  assert.match((await runDevpilot(target, 'restore', newFolderPath())).output, /not a complete backup/);
  assert.equal(existsSync(join(target['DEVPILOT_DATA_DIR'] ?? '', 'devpilot.db')), false);
  assert.match((await runDevpilot(target, 'backup', newFolderPath())).output, /was not found/);
});
