import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { CreatedApiKey } from '../src/contract/api-keys.ts';
import { TEST_SECRET } from '../src/testing/engines.ts';
import { startPostgres, type TestPostgres } from '../src/testing/postgres.ts';
import { runCommand, type ServerProcess, spawnServer, temporaryDirectory } from '../src/testing/process.ts';
import {
  bearer,
  createKey,
  createToken,
  sendRequest,
  signInRemotePerson,
  signUpOwner,
  type TestPerson,
  type TestRequest,
} from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

type Environment = Readonly<Record<string, string>>;
const ENGINES = ['sqlite', 'postgres'] as const;
type Engine = (typeof ENGINES)[number];

const WRITERS = 4;
const WRITES_BEFORE = 40;
const EMAIL = 'ada@example.com';

const root = temporaryDirectory();
let folders = 0;
const newFolder = () => join(root.path, `folder-${++folders}`);
let postgres: TestPostgres;
before(async () => {
  postgres = await startPostgres();
});
after(async () => {
  await postgres.close();
  root.remove();
});

/** The settings of a new, empty installation. */
async function newStoreLocation(engine: Engine, more: Environment = {}): Promise<Environment> {
  const directory = { DEVPILOT_DATA_DIR: newFolder() };
  return engine === 'sqlite'
    ? { ...directory, ...more }
    : { ...directory, DATABASE_URL: await postgres.createDatabase(), DEVPILOT_SECRET: TEST_SECRET, ...more };
}

const serve = (location: Environment) => spawnServer(location['DEVPILOT_DATA_DIR'] ?? '', location);

async function devpilot(location: Environment, ...args: string[]) {
  const ended = await runCommand(args, location);
  return { ...ended, said: `${ended.stdout}${ended.stderr}` };
}

async function done(location: Environment, ...args: string[]): Promise<string> {
  const { code, said } = await devpilot(location, ...args);
  assert.equal(code, 0, said);
  return said;
}

async function signUp(server: ServerProcess): Promise<TestPerson> {
  const call = <Body>(path: string, one?: TestRequest) => sendRequest<Body>(server.url, path, one);
  return signUpOwner({ url: server.url, call, setupLink: `${server.url}/setup#code=${server.setupCode}` }, EMAIL);
}

/** An app with an environment variable, which is encrypted in the database. */
async function sealSomething(server: ServerProcess, owner: TestPerson): Promise<{ path: string; secret: string }> {
  const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: 'Till' } });
  const app = await owner.call<{ id: string }>('/v1/apps', { body: { name: 'Till', projectId: project.body.id } });
  const { secret } = await createToken(owner, ['modify_env']);
  const path = `/v1/apps/${app.body.id}/env`;
  const body = { values: { PIN: 'sealed ✓' } };
  assert.equal((await sendRequest(server.url, path, { method: 'PATCH', headers: bearer(secret), body })).status, 200);
  return { path, secret };
}

async function readSealed(server: ServerProcess, { path, secret }: { path: string; secret: string }): Promise<unknown> {
  const { body } = await sendRequest<{ data?: { name: string; value: string }[] }>(server.url, path, {
    headers: bearer(secret),
  });
  return body.data?.map(({ name, value }) => `${name}=${value}`);
}

const statusOf = async (server: ServerProcess, { secret }: CreatedApiKey) =>
  (await sendRequest(server.url, '/v1/authorize', { headers: bearer(secret) })).status;

/** Creates and deletes keys until stopped; both lists contain only acknowledged operations. */
function write(owner: TestPerson) {
  const made: CreatedApiKey[] = [];
  const deleted: CreatedApiKey[] = [];
  let going = true;
  const writers = Array.from({ length: WRITERS }, async () => {
    for (let index = 0; going; index++) {
      const key = await createKey(owner, ['read']);
      if (index % 3 !== 0) {
        made.push(key);
        continue;
      }
      assert.equal((await owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' })).status, 204);
      deleted.push(key);
    }
  });
  return {
    made,
    deleted,
    async stop() {
      going = false;
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
      const writing = write(owner);
      await until(async () => writing.made.length >= WRITES_BEFORE);
      const [made, deleted] = [[...writing.made], [...writing.deleted]];
      const folder = newFolder();
      const said = await done(location, 'backup', folder);
      assert.ok(writing.made.length > made.length, 'writes went on');
      await writing.stop();
      await server.stop('SIGKILL');

      assert.equal(statSync(folder).mode & 0o777, 0o700);
      for (const file of ['devpilot.db', 'backup.json']) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600);
      assert.equal(existsSync(join(folder, 'secret')), from === 'sqlite');
      assert.match(
        said,
        from === 'sqlite' ? /The backup contains the secret/ : /The backup does not contain the secret/,
      );

      for (const to of ENGINES) {
        const secret: Environment =
          from === 'postgres'
            ? { DEVPILOT_SECRET: TEST_SECRET }
            : to === 'postgres'
              ? { DEVPILOT_SECRET: readFileSync(join(folder, 'secret'), 'utf8').trim() }
              : {};
        const there = await newStoreLocation(to, secret);
        assert.doesNotMatch(await done(there, 'restore', folder), /cannot be decrypted/);
        const again = await serve(there);
        for (const key of made) assert.equal(await statusOf(again, key), 200);
        for (const key of deleted) assert.equal(await statusOf(again, key), 401);
        assert.deepEqual(await readSealed(again, sealed), ['PIN=sealed ✓']);
        const person = await signInRemotePerson(again.url, EMAIL);
        assert.equal(await statusOf(again, await createKey(person, ['read'])), 200);
        await done(there, 'audit', 'verify');
        const { code, said: refused } = await devpilot(there, 'restore', folder);
        assert.equal(code, 1);
        assert.match(refused, to === 'sqlite' ? /in use|already exists/ : /not empty/);
        assert.equal((await again.stop('SIGTERM')).code, 0);
      }
    });
  });

  describe(`copying ${from}`, () => {
    const to = from === 'sqlite' ? 'postgres' : 'sqlite';
    const nameOf = (location: Environment) => location['DATABASE_URL'] ?? location['DEVPILOT_DATA_DIR'] ?? '';

    test(`to ${to} copies everything; a source in use and a target that is not empty are refused`, async () => {
      const location = await newStoreLocation(from, { DEVPILOT_SECRET: TEST_SECRET });
      const server = await serve(location);
      const owner = await signUp(server);
      const sealed = await sealSomething(server, owner);
      const key = await createKey(owner, ['read']);
      const there = await newStoreLocation(to, { DEVPILOT_SECRET: TEST_SECRET });
      const copy = ['store', 'copy', '--from', nameOf(location), '--to', nameOf(there)] as const;

      assert.match((await devpilot({}, ...copy)).said, from === 'sqlite' ? /in use by/ : /Nodes are using/);
      assert.equal((await server.stop('SIGTERM')).code, 0);
      const said = await done({}, ...copy, '--json');
      const { tables, logEntries } = JSON.parse(said.slice(0, said.lastIndexOf('}') + 1)) as {
        tables: { table: string; rows: number }[];
        logEntries: number;
      };
      assert.ok(logEntries > 4);
      assert.equal(tables.find(({ table }) => table === 'credential')?.rows, 2);

      const again = await serve(there);
      assert.equal(await statusOf(again, key), 200);
      assert.deepEqual(await readSealed(again, sealed), ['PIN=sealed ✓']);
      const person = await signInRemotePerson(again.url, EMAIL);
      assert.equal((await person.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' })).status, 204);
      assert.equal(await statusOf(again, key), 401);
      assert.equal((await again.stop('SIGTERM')).code, 0);
      await done(there, 'audit', 'verify');
      assert.match((await devpilot({}, ...copy)).said, /not empty/);
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
      (await devpilot(location, 'rotate-secret', ...given)).said,
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
    assert.equal(outdated.code, 2, outdated.said);
    assert.match(outdated.said, /^devpilot: DEVPILOT_SECRET is not the secret[^\n]*\n$/);
    await done(fresh, 'audit', 'verify');
  });
}

test('backup, restore and copy are refused with a secret other than that of the database', async () => {
  const location = await newStoreLocation('sqlite', { DEVPILOT_SECRET: TEST_SECRET });
  await (await serve(location)).stop('SIGTERM');
  const other = { DEVPILOT_SECRET: 'another secret of the tests, long enough' };
  const folder = newFolder();
  const refuse = async (environment: Environment, ...args: string[]) => {
    const { code, said } = await devpilot(environment, ...args);
    assert.equal(code, 2, said);
    assert.match(said, /^devpilot: DEVPILOT_SECRET is not the secret[^\n]*\n$/);
  };
  for (const command of [['backup', folder], ['migrate'], ['serve']])
    await refuse({ ...location, ...other }, ...command);
  await done(location, 'backup', folder);
  const there = await newStoreLocation('sqlite', other);
  await refuse(there, 'restore', folder);
  assert.equal(existsSync(join(there['DEVPILOT_DATA_DIR'] ?? '', 'devpilot.db')), false);
  await done({ ...there, DEVPILOT_SECRET: TEST_SECRET }, 'restore', folder);
  await refuse(other, 'store', 'copy', '--from', location['DEVPILOT_DATA_DIR'] ?? '', '--to', newFolder());
});

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

test('a modified or truncated backup, and a target that is not empty, are refused', async () => {
  const location = await newStoreLocation('sqlite');
  const server = await serve(location);
  await signUp(server);
  const folder = newFolder();
  await done(location, 'backup', '--without-secret', folder);
  assert.equal(existsSync(join(folder, 'secret')), false);
  assert.match((await devpilot(location, 'backup', folder)).said, /not empty/);
  await server.stop('SIGTERM');

  const there = await newStoreLocation('sqlite');
  appendFileSync(join(folder, 'devpilot.db'), 'x');
  assert.match((await devpilot(there, 'restore', folder)).said, /digest does not match/);
  writeFileSync(join(folder, 'backup.json'), '{"half');
  assert.match((await devpilot(there, 'restore', folder)).said, /not a complete backup/);
  assert.match((await devpilot(there, 'restore', newFolder())).said, /not a complete backup/);
  assert.equal(existsSync(join(there['DEVPILOT_DATA_DIR'] ?? '', 'devpilot.db')), false);
  assert.match((await devpilot(there, 'backup', newFolder())).said, /was not found/);
});
