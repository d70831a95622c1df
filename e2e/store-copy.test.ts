import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ApiKey } from '../src/contract/api-keys.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { createKey, signInRemotePerson } from '../src/testing/test-server.ts';
import {
  authorizeStatus,
  createEncryptedVariable,
  EMAIL,
  ENGINES,
  type Environment,
  newInstallationSettings,
  readEncryptedVariables,
  rootDirectory,
  runDevpilot,
  runSuccessfully,
  signUp,
  startServer,
} from './installation-fixture.ts';

for (const from of ENGINES) {
  describe(`copying ${from}`, () => {
    const to = from === 'sqlite' ? 'postgres' : 'sqlite';
    const storeArgumentOf = (settings: Environment) => settings['DATABASE_URL'] ?? settings['DEVPILOT_DATA_DIR'] ?? '';

    test(`to ${to} copies everything; a source in use and a target that is not empty are refused`, async () => {
      const settings = await newInstallationSettings(from, { DEVPILOT_SECRET: TEST_SECRET });
      const server = await startServer(settings);
      const owner = await signUp(server);
      const encrypted = await createEncryptedVariable(server, owner);
      const key = await createKey(owner, ['read']);
      const replacement = await createKey(owner, ['read'], { replaces: key.id });
      const target = await newInstallationSettings(to, { DEVPILOT_SECRET: TEST_SECRET });
      const copy = ['store', 'copy', '--from', storeArgumentOf(settings), '--to', storeArgumentOf(target)] as const;

      assert.match((await runDevpilot({}, ...copy)).output, from === 'sqlite' ? /in use by/ : /Nodes are using/);
      assert.equal((await server.stop('SIGTERM')).code, 0);
      const output = await runSuccessfully({}, ...copy, '--json');
      const { tables, logEntries } = JSON.parse(output.slice(0, output.lastIndexOf('}') + 1)) as {
        tables: { table: string; rows: number }[];
        logEntries: number;
      };
      assert.ok(logEntries > 4);
      assert.equal(tables.find(({ table }) => table === 'credential')?.rows, 3);

      const copiedServer = await startServer(target);
      assert.equal(await authorizeStatus(copiedServer, key), 200);
      assert.deepEqual(await readEncryptedVariables(copiedServer, encrypted), ['PIN=encrypted ✓']);
      const person = await signInRemotePerson(copiedServer.url, EMAIL);
      const readReplaces = async () => (await person.call<ApiKey>(`/v1/api-keys/${replacement.id}`)).body.replaces;
      assert.equal(await readReplaces(), key.id);
      assert.equal((await person.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' })).status, 204);
      assert.equal(await readReplaces(), null);
      assert.equal(await authorizeStatus(copiedServer, key), 401);
      assert.equal((await copiedServer.stop('SIGTERM')).code, 0);
      await runSuccessfully(target, 'audit', 'verify');
      assert.match((await runDevpilot({}, ...copy)).output, /not empty/);
    });
  });

  test(`rotating the secret on ${from} re-encrypts all values, and the old secret is rejected`, async () => {
    const settings = await newInstallationSettings(from);
    const server = await startServer(settings);
    const encrypted = await createEncryptedVariable(server, await signUp(server));
    const newSecretFile = join(rootDirectory, `new-secret-${from}`);
    writeFileSync(newSecretFile, 'another secret of the tests, long enough\n');
    const fileOptions = from === 'postgres' ? ['--new-secret-file', newSecretFile] : [];
    assert.match(
      (await runDevpilot(settings, 'rotate-secret', ...fileOptions)).output,
      from === 'sqlite' ? /in use by/ : /Nodes are using/,
    );
    await server.stop('SIGTERM');
    const secretFile = join(settings['DEVPILOT_DATA_DIR'] ?? '', 'secret');
    const oldSecret = from === 'postgres' ? TEST_SECRET : readFileSync(secretFile, 'utf8').trim();

    assert.match(await runSuccessfully(settings, 'rotate-secret', ...fileOptions), /^Re-encrypted 1 value with/);
    const newSettings: Environment =
      from === 'postgres' ? { ...settings, DEVPILOT_SECRET: readFileSync(newSecretFile, 'utf8').trim() } : settings;
    const restarted = await startServer(newSettings);
    assert.deepEqual(await readEncryptedVariables(restarted, encrypted), ['PIN=encrypted ✓']);
    await restarted.stop('SIGTERM');
    const withOldSecret = await runDevpilot({ ...newSettings, DEVPILOT_SECRET: oldSecret }, 'serve');
    assert.equal(withOldSecret.code, 2, withOldSecret.output);
    assert.match(withOldSecret.output, /^devpilot: DEVPILOT_SECRET is not the secret[^\n]*\n$/);
    await runSuccessfully(newSettings, 'audit', 'verify');
  });
}

test('a copy into a directory whose previous database was removed succeeds', async () => {
  const settings = await newInstallationSettings('sqlite', { DEVPILOT_SECRET: TEST_SECRET });
  const server = await startServer(settings);
  const key = await createKey(await signUp(server), ['read']);
  await server.stop('SIGTERM');
  const targetSettings = await newInstallationSettings('sqlite', { DEVPILOT_SECRET: TEST_SECRET });
  await (await startServer(targetSettings)).stop('SIGTERM');
  const [source = '', target = ''] = [settings['DEVPILOT_DATA_DIR'], targetSettings['DEVPILOT_DATA_DIR']];
  for (const name of ['devpilot.db', 'devpilot.db-wal', 'devpilot.db-shm']) rmSync(join(target, name), { force: true });
  assert.ok(existsSync(join(target, 'devpilot.state')));
  await runSuccessfully({}, 'store', 'copy', '--from', source, '--to', target);
  const restarted = await startServer(targetSettings);
  assert.equal(await authorizeStatus(restarted, key), 200);
  assert.equal((await restarted.stop('SIGTERM')).code, 0);
});
