import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { CreatedApiKey } from '../src/contract/api-keys.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { createKey, signInRemotePerson, type TestPerson } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import {
  devpilot,
  done,
  EMAIL,
  ENGINES,
  type Environment,
  newFolder,
  newStoreLocation,
  readSealed,
  sealSomething,
  serve,
  signUp,
  statusOf,
} from './installation-fixture.ts';

const WRITERS = 4;
const WRITES_BEFORE = 40;

/** Creates and deletes keys until stopped; both lists contain only acknowledged operations. */
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
    made: created,
    deleted,
    async stop() {
      isWriting = false;
      await Promise.all(writers);
    },
  };
}

for (const from of ENGINES) {
  describe(`a backup of ${from}`, () => {
    test('during writes contains everything acknowledged before it, and restores into either database', async () => {
      const location = await newStoreLocation(from);
      const server = await serve(location);
      const owner = await signUp(server);
      const sealed = await sealSomething(server, owner);
      const writers = startWriting(owner);
      await until(async () => writers.made.length >= WRITES_BEFORE);
      const [created, deleted] = [[...writers.made], [...writers.deleted]];
      const folder = newFolder();
      const output = await done(location, 'backup', folder);
      assert.ok(writers.made.length > created.length, 'writes went on');
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
        const secret: Environment =
          from === 'postgres'
            ? { DEVPILOT_SECRET: TEST_SECRET }
            : to === 'postgres'
              ? { DEVPILOT_SECRET: readFileSync(join(folder, 'secret'), 'utf8').trim() }
              : {};
        const target = await newStoreLocation(to, secret);
        assert.doesNotMatch(await done(target, 'restore', folder), /cannot be decrypted/);
        const restored = await serve(target);
        for (const key of created) assert.equal(await statusOf(restored, key), 200);
        for (const key of deleted) assert.equal(await statusOf(restored, key), 401);
        assert.deepEqual(await readSealed(restored, sealed), ['PIN=sealed ✓']);
        const person = await signInRemotePerson(restored.url, EMAIL);
        assert.equal(await statusOf(restored, await createKey(person, ['read'])), 200);
        await done(target, 'audit', 'verify');
        const { code, output: refused } = await devpilot(target, 'restore', folder);
        assert.equal(code, to === 'sqlite' ? 2 : 1);
        assert.match(refused, to === 'sqlite' ? /in use|already exists/ : /not empty/);
        assert.equal((await restored.stop('SIGTERM')).code, 0);
      }
    });
  });
}

test('backup, restore and copy are refused with a secret other than that of the database', async () => {
  const location = await newStoreLocation('sqlite', { DEVPILOT_SECRET: TEST_SECRET });
  await (await serve(location)).stop('SIGTERM');
  const other = { DEVPILOT_SECRET: 'another secret of the tests, long enough' };
  const folder = newFolder();
  const refuse = async (environment: Environment, ...args: string[]) => {
    const { code, output } = await devpilot(environment, ...args);
    assert.equal(code, 2, output);
    assert.match(output, /^devpilot: DEVPILOT_SECRET is not the secret[^\n]*\n$/);
  };
  for (const command of [['backup', folder], ['migrate'], ['serve']])
    await refuse({ ...location, ...other }, ...command);
  await done(location, 'backup', folder);
  const target = await newStoreLocation('sqlite', other);
  await refuse(target, 'restore', folder);
  assert.equal(existsSync(join(target['DEVPILOT_DATA_DIR'] ?? '', 'devpilot.db')), false);
  await done({ ...target, DEVPILOT_SECRET: TEST_SECRET }, 'restore', folder);
  await refuse(other, 'store', 'copy', '--from', location['DEVPILOT_DATA_DIR'] ?? '', '--to', newFolder());
});

test('a modified or truncated backup, and a target that is not empty, are refused', async () => {
  const location = await newStoreLocation('sqlite');
  const server = await serve(location);
  await signUp(server);
  const folder = newFolder();
  await done(location, 'backup', '--without-secret', folder);
  assert.equal(existsSync(join(folder, 'secret')), false);
  assert.match((await devpilot(location, 'backup', folder)).output, /not empty/);
  await server.stop('SIGTERM');

  const target = await newStoreLocation('sqlite');
  appendFileSync(join(folder, 'devpilot.db'), 'x');
  assert.match((await devpilot(target, 'restore', folder)).output, /digest does not match/);
  writeFileSync(join(folder, 'backup.json'), '{"half');
  assert.match((await devpilot(target, 'restore', folder)).output, /not a complete backup/);
  assert.match((await devpilot(target, 'restore', newFolder())).output, /not a complete backup/);
  assert.equal(existsSync(join(target['DEVPILOT_DATA_DIR'] ?? '', 'devpilot.db')), false);
  assert.match((await devpilot(target, 'backup', newFolder())).output, /was not found/);
});
