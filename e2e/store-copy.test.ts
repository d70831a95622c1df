import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ApiKey } from '../src/contract/api-keys.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { createKey, signInRemotePerson } from '../src/testing/test-server.ts';
import {
  devpilot,
  done,
  EMAIL,
  ENGINES,
  type Environment,
  newStoreLocation,
  readSealed,
  root,
  sealSomething,
  serve,
  signUp,
  statusOf,
} from './installation-fixture.ts';

for (const from of ENGINES) {
  describe(`copying ${from}`, () => {
    const to = from === 'sqlite' ? 'postgres' : 'sqlite';
    const nameOf = (location: Environment) => location['DATABASE_URL'] ?? location['DEVPILOT_DATA_DIR'] ?? '';

    test(`to ${to} copies everything; a source in use and a target that is not empty are refused`, async () => {
      const location = await newStoreLocation(from, { DEVPILOT_SECRET: TEST_SECRET });
      const server = await serve(location);
      const owner = await signUp(server);
      const sealed = await sealSomething(server, owner);
      const key = await createKey(owner, ['read']);
      const replacement = await createKey(owner, ['read'], { replaces: key.id });
      const target = await newStoreLocation(to, { DEVPILOT_SECRET: TEST_SECRET });
      const copy = ['store', 'copy', '--from', nameOf(location), '--to', nameOf(target)] as const;

      assert.match((await devpilot({}, ...copy)).output, from === 'sqlite' ? /in use by/ : /Nodes are using/);
      assert.equal((await server.stop('SIGTERM')).code, 0);
      const output = await done({}, ...copy, '--json');
      const { tables, logEntries } = JSON.parse(output.slice(0, output.lastIndexOf('}') + 1)) as {
        tables: { table: string; rows: number }[];
        logEntries: number;
      };
      assert.ok(logEntries > 4);
      assert.equal(tables.find(({ table }) => table === 'credential')?.rows, 3);

      const again = await serve(target);
      assert.equal(await statusOf(again, key), 200);
      assert.deepEqual(await readSealed(again, sealed), ['PIN=sealed ✓']);
      const person = await signInRemotePerson(again.url, EMAIL);
      const linked = async () => (await person.call<ApiKey>(`/v1/api-keys/${replacement.id}`)).body.replaces;
      assert.equal(await linked(), key.id);
      assert.equal((await person.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' })).status, 204);
      assert.equal(await linked(), null);
      assert.equal(await statusOf(again, key), 401);
      assert.equal((await again.stop('SIGTERM')).code, 0);
      await done(target, 'audit', 'verify');
      assert.match((await devpilot({}, ...copy)).output, /not empty/);
    });
  });

  test(`rotating the secret on ${from} re-encrypts all values, and the old secret is rejected`, async () => {
    const location = await newStoreLocation(from);
    const server = await serve(location);
    const sealed = await sealSomething(server, await signUp(server));
    const file = join(root.path, `new-secret-${from}`);
    writeFileSync(file, 'another secret of the tests, long enough\n');
    const given = from === 'postgres' ? ['--new-secret-file', file] : [];
    assert.match(
      (await devpilot(location, 'rotate-secret', ...given)).output,
      from === 'sqlite' ? /in use by/ : /Nodes are using/,
    );
    await server.stop('SIGTERM');
    const own = join(location['DEVPILOT_DATA_DIR'] ?? '', 'secret');
    const old = from === 'postgres' ? TEST_SECRET : readFileSync(own, 'utf8').trim();

    assert.match(await done(location, 'rotate-secret', ...given), /^Re-encrypted 1 value with/);
    const fresh: Environment =
      from === 'postgres' ? { ...location, DEVPILOT_SECRET: readFileSync(file, 'utf8').trim() } : location;
    const again = await serve(fresh);
    assert.deepEqual(await readSealed(again, sealed), ['PIN=sealed ✓']);
    await again.stop('SIGTERM');
    const outdated = await devpilot({ ...fresh, DEVPILOT_SECRET: old }, 'serve');
    assert.equal(outdated.code, 2, outdated.output);
    assert.match(outdated.output, /^devpilot: DEVPILOT_SECRET is not the secret[^\n]*\n$/);
    await done(fresh, 'audit', 'verify');
  });
}

test('a copy succeeds into a directory whose previous database was removed', async () => {
  const location = await newStoreLocation('sqlite', { DEVPILOT_SECRET: TEST_SECRET });
  const server = await serve(location);
  const key = await createKey(await signUp(server), ['read']);
  await server.stop('SIGTERM');
  const there = await newStoreLocation('sqlite', { DEVPILOT_SECRET: TEST_SECRET });
  await (await serve(there)).stop('SIGTERM');
  const [source = '', target = ''] = [location['DEVPILOT_DATA_DIR'], there['DEVPILOT_DATA_DIR']];
  for (const name of ['devpilot.db', 'devpilot.db-wal', 'devpilot.db-shm']) rmSync(join(target, name), { force: true });
  assert.ok(existsSync(join(target, 'devpilot.state')));
  await done({}, 'store', 'copy', '--from', source, '--to', target);
  const again = await serve(there);
  assert.equal(await statusOf(again, key), 200);
  assert.equal((await again.stop('SIGTERM')).code, 0);
});
