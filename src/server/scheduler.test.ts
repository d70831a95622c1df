import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { App } from '../contract/apps.ts';
import type { Backup } from '../contract/backups.ts';
import { DAY } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import type { Run, Script } from '../contract/scripts.ts';
import type { Server } from '../contract/servers.ts';
import { TEST_SECRET } from '../testing/engines.ts';
import { openTestDatabases, type TestDatabases } from '../testing/postgres.ts';
import { spawnServer } from '../testing/process.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  signInRemotePerson,
  signUpOwner,
  signUpRemoteOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

const root = temporaryDirectory();

const hasEnded = ({ status }: { status: string }) => status !== 'pending' && status !== 'processing';

/** Creates a local server, and functions that create scripts and apps on it. */
async function createTestResources(owner: TestPerson) {
  const createResource = async <Body>(path: string, body: object) => {
    const response = await owner.call<Body>(path, { body });
    assert.ok(response.status === 201 || response.status === 202, response.text);
    return response.body;
  };
  const server = await createResource<Server>('/v1/servers', { name: 'Right here', kind: 'local' });
  const project = await createResource<{ id: string }>('/v1/projects', { name: 'Shop' });
  return {
    createScript: (body: string, fields: object = {}) =>
      createResource<Script>('/v1/scripts', { name: 'A script', body, serverId: server.id, ...fields }),
    createApp: (fields: object) =>
      createResource<App>('/v1/apps', { name: 'Web shop', projectId: project.id, serverId: server.id, ...fields }),
  };
}

/** Waits until the run, backup or restore at a path has ended, and returns it. */
async function waitUntilFinished<Body extends { status: string }>(person: TestPerson, path: string): Promise<Body> {
  const get = async () => (await person.call<Body>(path)).body;
  await until(async () => hasEnded(await get()));
  return get();
}

describe('two nodes on one database', () => {
  let postgres: TestDatabases;
  let now = Date.now();
  let servers: [TestServer, TestServer];
  let owner: TestPerson;
  let ownerOnSecond: TestPerson;
  before(async () => {
    postgres = await openTestDatabases();
    const environment = {
      DATABASE_URL: await postgres.createDatabase(),
      DEVPILOT_SECRET: TEST_SECRET,
      DEVPILOT_LOCAL_SERVER: 'on',
    };
    const options = { clock: () => (now += 1), environment };
    const first = await startTestServer(options);
    owner = await signUpOwner(first);
    servers = [first, await startTestServer(options)];
    ownerOnSecond = await signInRemotePerson(servers[1].url, owner.email);
  });
  after(async () => {
    await Promise.all(servers.map((testServer) => testServer.close()));
    await postgres.close();
  });

  test('each due time of a schedule starts one run and one backup', async () => {
    const resources = await createTestResources(owner);
    const scripts = await Promise.all(
      [1, 2, 3].map((number) =>
        resources.createScript(`echo ${number}`, { name: `Nightly ${number}`, schedule: '0 3 * * *' }),
      ),
    );
    const app = await resources.createApp({
      backup: { command: 'echo rows', restoreCommand: null, schedule: '0 3 * * *' },
    });
    for (let night = 1; night <= 4; night++) {
      now += DAY;
      for (const { id } of scripts) {
        const path = `/v1/scripts/${id}/runs?status=completed`;
        await until(async () => (await ownerOnSecond.call<Page<Run>>(path)).body.data.length === night);
      }
      const path = `/v1/apps/${app.id}/backups?status=completed`;
      await until(async () => (await ownerOnSecond.call<Page<Backup>>(path)).body.data.length === night);
    }
    for (const { id } of scripts) {
      const { data } = (await owner.call<Page<Run>>(`/v1/scripts/${id}/runs`)).body;
      assert.equal(data.length, 4);
      assert.equal(new Set(data.map((run) => run.scheduledFor)).size, 4);
    }
    assert.equal((await owner.call<Page<Backup>>(`/v1/apps/${app.id}/backups`)).body.data.length, 4);
  });

  test("a backup in a node's data directory is restored and deleted by that node, even if another node receives the request", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'shared'));
    const app = await (await createTestResources(owner)).createApp({ directory });
    const folders = servers.map((testServer) => join(testServer.dataDirectory, 'backups'));
    const foldersWith = (id: string) => folders.filter((folder) => globSync(`**/${id}*`, { cwd: folder }).length > 0);
    writeFileSync(join(directory, 'shared/state'), 'then');
    const { id } = (await owner.call<Backup>(`/v1/apps/${app.id}/backups`, { method: 'POST' })).body;
    assert.equal((await waitUntilFinished<Backup>(owner, `/v1/backups/${id}`)).status, 'completed');
    const [backupFolder = '', ...otherFolders] = foldersWith(id);
    assert.deepEqual(otherFolders, []);
    for (const person of [owner, ownerOnSecond]) {
      writeFileSync(join(directory, 'shared/state'), 'since then');
      assert.equal((await person.call(`/v1/backups/${id}/restore`, { method: 'POST' })).status, 202);
      const restored = await waitUntilFinished<Backup>(person, `/v1/backups/${id}`);
      assert.equal(restored.lastRestore?.status, 'completed', restored.lastRestore?.error ?? '');
      assert.equal(readFileSync(join(directory, 'shared/state'), 'utf8'), 'then');
    }
    const requester = backupFolder === folders[0] ? ownerOnSecond : owner;
    assert.equal((await requester.call(`/v1/backups/${id}`, { method: 'DELETE' })).status, 204);
    await until(async () => foldersWith(id).length === 0);
  });
});

test('after a node is killed, its run and its backup fail with a reason, and the incomplete backup is deleted', async () => {
  const directory = temporaryDirectory();
  const environment = { DEVPILOT_LOCAL_SERVER: 'on' };
  const first = await spawnServer(directory, environment);
  const owner = await signUpRemoteOwner(first);
  const resources = await createTestResources(owner);
  const startedMarker = join(root, 'started');
  const hangingScript = await resources.createScript(`echo here; touch ${startedMarker}; sleep 300`);
  const app = await resources.createApp({ backup: { command: 'echo rows; sleep 300', restoreCommand: null } });
  const run = (await owner.call<Run>(`/v1/scripts/${hangingScript.id}/runs`, { body: {} })).body;
  const backup = (await owner.call<Backup>(`/v1/apps/${app.id}/backups`, { method: 'POST' })).body;
  const files = () => globSync('backups/**/bak_*', { cwd: directory });
  await until(async () => existsSync(startedMarker) && files().length > 0);
  await first.stop('SIGKILL');
  assert.deepEqual(files(), [`backups/${app.id}/${backup.id}.zst.enc.part`]);

  const second = await spawnServer(directory, environment);
  const ownerOnSecond = await signInRemotePerson(second.url, owner.email);
  const lostRun = await waitUntilFinished<Run>(ownerOnSecond, `/v1/runs/${run.id}`);
  assert.deepEqual([lostRun.status, lostRun.error], ['failed', 'Stopped: the node that ran this was lost.']);
  const lostBackup = await waitUntilFinished<Backup>(ownerOnSecond, `/v1/backups/${backup.id}`);
  assert.deepEqual(
    [lostBackup.status, lostBackup.error, lostBackup.sha256],
    ['failed', 'Stopped: the node that ran this was lost.', null],
  );
  await until(async () => files().length === 0);
  // The lost job does not block later jobs of the same script.
  const nextRun = await ownerOnSecond.call<Run>(`/v1/scripts/${hangingScript.id}/runs`, { body: {} });
  await until(async () => (await ownerOnSecond.call<Run>(`/v1/runs/${nextRun.body.id}`)).body.status === 'processing');
  assert.equal((await ownerOnSecond.call(`/v1/runs/${nextRun.body.id}/cancel`, { method: 'POST' })).status, 202);
  assert.equal((await waitUntilFinished<Run>(ownerOnSecond, `/v1/runs/${nextRun.body.id}`)).status, 'cancelled');
  await second.stop('SIGTERM');
});

/** Mounts a small file system and returns true, or returns false without the permission to mount. */
function tryMount(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a backup fails with a reason when the disk is full and leaves no files, and a smaller backup then succeeds', async (t) => {
  const testServer = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  const folder = join(testServer.dataDirectory, 'backups');
  mkdirSync(folder, { mode: 0o700 });
  if (!tryMount(folder)) {
    await testServer.close();
    t.skip('file systems cannot be mounted on this machine');
    return;
  }
  try {
    const owner = await signUpOwner(testServer);
    const app = await (await createTestResources(owner)).createApp({
      backup: { command: 'head -c "$SIZE" /dev/urandom', restoreCommand: null },
    });
    const backUp = async (SIZE: string) => {
      await owner.call(`/v1/apps/${app.id}/env`, { method: 'PATCH', body: { values: { SIZE } } });
      const { id } = (await owner.call<Backup>(`/v1/apps/${app.id}/backups`, { method: 'POST' })).body;
      return waitUntilFinished<Backup>(owner, `/v1/backups/${id}`);
    };
    const failed = await backUp('9000000');
    assert.equal(failed.status, 'failed');
    assert.match(failed.error ?? '', /disk of the data directory is full/);
    const files = () => globSync('**/*', { cwd: folder }).filter((name) => statSync(join(folder, name)).isFile());
    assert.deepEqual(files(), []);
    const backup = await backUp('100000');
    assert.equal(backup.status, 'completed', backup.error ?? '');
    assert.deepEqual(files(), [`${app.id}/${backup.id}.zst.enc`]);
  } finally {
    execFileSync('umount', [folder]);
    await testServer.close();
  }
});
