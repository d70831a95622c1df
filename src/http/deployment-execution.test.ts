import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Deployment } from '../contract/deployments.ts';
import type { Notice } from '../contract/notices.ts';
import type { Page } from '../contract/paging.ts';
import { isRunning } from '../testing/running-processes.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import {
  createServerResource,
  createTestApp,
  deployAndWait,
  getDeployment,
  hook,
  isFinished,
  readDeploymentLog,
  waitForDeployment,
} from '../testing/test-deployments.ts';
import {
  bearer,
  createTestPerson,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

let testServer: TestServer;
let owner: TestPerson;
let sshd: TestSshd;
let now = Date.now();
/** How far a test has advanced the clock, in milliseconds. */
let aheadMs = 0;
before(async () => {
  [testServer, sshd] = await Promise.all([
    startTestServer({
      clock: () => (now = Math.max(now, Date.now() + aheadMs)),
      environment: { DEVPILOT_LOCAL_SERVER: 'on' },
    }),
    startSshd(),
  ]);
  owner = await signUpOwner(testServer);
});
after(async () => {
  await testServer.close();
  await sshd.close();
});

const serverPublicKeys: string[] = [];
/** Creates a server resource that is reached over SSH. All such resources are the same machine. */
async function createSshServer(daemon: TestSshd = sshd): Promise<string> {
  const { port, user, hostKey } = daemon;
  const server = await createServerResource(owner, { kind: 'ssh', host: '127.0.0.1', port, user, hostKey });
  serverPublicKeys.push(server.publicKey ?? '');
  daemon.authorize(serverPublicKeys);
  return server.id;
}
const createApp = (serverId: string, fields: object = {}) => createTestApp(owner, serverId, fields);
const postAction = (id: string, action: string) =>
  owner.call<Deployment>(`/v1/deployments/${id}/${action}`, { method: 'POST' });

describe('over SSH', () => {
  test('an app is deployed, and its secrets appear in no log, file of the data directory or command line', async () => {
    const secret = 's3cret \'of\' $(the) "shop"';
    const app = await createApp(await createSshServer(), {
      hooks: [
        hook(
          'print secret',
          'post_setup',
          'printf "%s\\n" "$SHOP_SECRET"; printf %s "$SHOP_SECRET" | base64; printf "\\377\\n" >&2',
        ),
        hook(
          'read command lines',
          'post_setup',
          'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " >../../command-lines; true',
        ),
      ],
    });
    await owner.call(`/v1/apps/${app.id}/env/SHOP_SECRET`, { method: 'PUT', body: { value: secret } });
    const done = await deployAndWait(owner, app);
    assert.equal(done.status, 'completed', done.error ?? '');
    const lines = (await readDeploymentLog(owner, done.id)).filter(({ step }) => step === 'print secret');
    assert.deepEqual(
      lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text),
      ['[secret]', '[secret]'],
    );
    assert.ok(lines.some(({ text }) => text === '\ufffd'));
    assert.ok(!readFileSync(join(app.directory, 'command-lines'), 'latin1').includes('s3cret'));
    for (const file of readdirSync(testServer.dataDirectory)) {
      assert.ok(!readFileSync(join(testServer.dataDirectory, file)).includes('s3cret'), file);
    }
  });

  test('a hook that hangs is killed at its time limit, with its child processes', async () => {
    // Identifies the processes of the hook.
    const uniqueSeconds = `97${process.pid}`;
    const app = await createApp(await createSshServer(), {
      hooks: [hook('hang', 'post_setup', `sleep ${uniqueSeconds} & sleep ${uniqueSeconds}`, { timeoutSeconds: 1 })],
    });
    const failed = await deployAndWait(owner, app);
    assert.match(failed.error ?? '', /the hook hang timed out/);
    assert.equal(failed.hooks[0]?.status, 'failed');
    assert.ok(!isRunning('sleep', uniqueSeconds));
    const { data } = (await owner.call<Page<Notice>>('/v1/notices?kind=deployment.failed')).body;
    const notice = data.find(({ subject }) => subject.id === app.id);
    assert.deepEqual([notice?.urgent, notice?.action.path], [true, `/deployments/${failed.id}`]);
  });

  test('a deployment does not wait for a process that a hook leaves behind', async () => {
    const app = await createApp(await createSshServer(), {
      hooks: [hook('fork', 'post_release', 'sleep 20 & echo started')],
    });
    const done = await deployAndWait(owner, app);
    assert.equal(done.status, 'completed');
    assert.ok((done.hooks[0]?.durationMs ?? 0) < 15_000);
  });

  test('a deployment fails if its server disconnects during a hook', async () => {
    const disconnectingSshd = await startSshd();
    const app = await createApp(await createSshServer(disconnectingSshd), {
      hooks: [hook('slow', 'post_setup', 'touch ../../busy; sleep 30')],
    });
    const { id } = (await app.deploy()).body;
    await until(async () => existsSync(join(app.directory, 'busy')));
    disconnectingSshd.killSessions();
    await disconnectingSshd.close();
    const failed = await waitForDeployment(owner, id, isFinished);
    assert.equal(failed.status, 'failed');
    assert.match(
      failed.error ?? '',
      /connection to the server was lost.*Rollback failed on some servers.*no SSH server could be reached/,
    );
  });

  test('a server without a pinned host key cannot be deployed to', async () => {
    const { port, user } = sshd;
    const server = await createServerResource(owner, { kind: 'ssh', host: '127.0.0.1', port, user });
    const app = await createApp(server.id);
    const refused = await app.deploy();
    assert.equal(refused.status, 409);
    assert.match(refused.text, /No host key is pinned/);
  });
});

/** Creates an app and several servers, which are the same machine under different names. */
async function createAppWithServers(count: number, fields: object = {}) {
  const servers: string[] = [];
  for (let index = 0; index < count; index++) servers.push((await createServerResource(owner)).id);
  return { app: await createApp(servers[0] ?? '', fields), servers };
}

describe('several servers', () => {
  test('a rolling deployment reaches all servers; a failure stops it and restores the previous release', async () => {
    const { app, servers } = await createAppWithServers(3, {
      healthCheck: { command: 'test ! -e sick', timeoutSeconds: 1 },
    });
    const first = await deployAndWait(owner, app, { servers, strategy: 'rolling', batchSize: 2 });
    assert.deepEqual(
      [first.status, first.servers.map(({ status }) => status)],
      ['completed', ['completed', 'completed', 'completed']],
      first.error ?? '',
    );
    app.repository.commit({ sick: '' });
    const failed = await deployAndWait(owner, app, { servers, strategy: 'rolling', pauseSeconds: 0 });
    assert.deepEqual(
      [failed.status, failed.servers.map(({ status }) => status)],
      ['failed', ['failed', 'cancelled', 'cancelled']],
    );
    assert.equal(readlinkSync(join(app.directory, 'current')), `releases/${first.id}`);
    assert.equal((await getDeployment(owner, first.id)).live, true);
    const withoutHealthCheck = await deployAndWait(owner, app, { servers, healthCheck: null });
    assert.equal(withoutHealthCheck.status, 'completed');
  });

  test('a canary waits after its first server until it is promoted or aborted', async () => {
    const { app, servers } = await createAppWithServers(2);
    const first = await deployAndWait(owner, app, { servers });
    app.repository.commit({ 'page.txt': 'two' });
    const { id } = (await app.deploy({ servers, strategy: 'canary' })).body;
    const waiting = await waitForDeployment(owner, id, ({ waitingFor }) => waitingFor === 'promotion');
    assert.deepEqual(
      [waiting.status, waiting.live, waiting.servers.map(({ status }) => status)],
      ['processing', false, ['completed', 'pending']],
    );
    const queued = (await app.deploy()).body;
    assert.equal((await postAction(id, 'abort')).status, 202);
    const aborted = await waitForDeployment(owner, id, isFinished);
    assert.deepEqual([aborted.status, aborted.error], ['cancelled', 'Ada Lovelace aborted this.']);
    assert.equal((await waitForDeployment(owner, queued.id, isFinished)).status, 'completed');
    assert.equal((await postAction(id, 'promote')).status, 409);
    assert.ok(!existsSync(join(app.directory, 'releases', id)));
    assert.equal((await getDeployment(owner, first.id)).live, false);

    const secondCanary = (await app.deploy({ servers, strategy: 'canary' })).body;
    await waitForDeployment(owner, secondCanary.id, ({ waitingFor }) => waitingFor === 'promotion');
    assert.equal((await postAction(secondCanary.id, 'promote')).status, 202);
    const promoted = await waitForDeployment(owner, secondCanary.id, isFinished);
    assert.deepEqual([promoted.status, promoted.live], ['completed', true], promoted.error ?? '');
  });

  test('a canary that is not promoted fails after a day', async () => {
    const { app, servers } = await createAppWithServers(2);
    const { id } = (await app.deploy({ servers, strategy: 'canary' })).body;
    await waitForDeployment(owner, id, ({ waitingFor }) => waitingFor === 'promotion');
    aheadMs += 25 * 3_600_000;
    const finished = await waitForDeployment(owner, id, isFinished);
    assert.deepEqual([finished.status, finished.error], ['failed', 'The deployment was not promoted within a day.']);
    assert.ok(!existsSync(join(app.directory, 'current')));
  });
});

describe('options of a deployment', () => {
  test('a scheduled deployment starts at its time', async () => {
    const app = await createApp((await createServerResource(owner)).id);
    const scheduledTime = now + 3_600_000;
    const response = await app.deploy({ scheduledAt: new Date(scheduledTime).toISOString() });
    assert.deepEqual([response.status, response.body.waitingFor], [202, 'schedule'], response.text);
    assert.equal(response.body.scheduledAt, new Date(scheduledTime).toISOString());
    aheadMs += 3_600_000;
    const done = await waitForDeployment(owner, response.body.id, isFinished);
    assert.equal(done.status, 'completed');
    assert.ok(Date.parse(done.startedAt ?? '') >= scheduledTime);
    const past = await app.deploy({ scheduledAt: '2020-01-01T00:00:00Z' });
    assert.equal(past.status, 422);
  });

  test('a deployment that requires approval starts once someone approves it, and names the approver', async () => {
    const app = await createApp((await createServerResource(owner)).id);
    const token = await createToken(owner, ['advanced_deployment']);
    const response = await testServer.call<Deployment>(`/v1/apps/${app.id}/deployments`, {
      headers: bearer(token.secret),
      body: { approval: true },
    });
    assert.deepEqual(
      [response.status, response.body.waitingFor, response.body.approval],
      [202, 'approval', { status: 'waiting', by: null }],
    );
    // A deployment that waits for approval does not delay a newer one.
    assert.equal((await deployAndWait(owner, app)).status, 'completed');
    const approved = await owner.call<Deployment>(`/v1/apps/${app.slug}/deployments/${response.body.id}/approve`, {
      method: 'POST',
    });
    assert.equal(approved.status, 202);
    assert.equal(approved.body.approval?.by?.name, 'Ada Lovelace');
    assert.equal((await postAction(response.body.id, 'approve')).status, 409);
    assert.equal((await waitForDeployment(owner, response.body.id, isFinished)).status, 'completed');
    const log = await readDeploymentLog(owner, response.body.id);
    assert.ok(log.some(({ text }) => text === 'Ada Lovelace approved this.'));
    const cancelled = (await app.deploy({ approval: true })).body;
    assert.equal((await postAction(cancelled.id, 'cancel')).body.status, 'cancelled');
    assert.equal((await postAction(cancelled.id, 'approve')).status, 409);
  });

  test('the hooks named by skipHooks are skipped, and must exist', async () => {
    const app = await createApp((await createServerResource(owner)).id, {
      hooks: [hook('failing', 'post_setup', 'exit 1'), hook('working', 'post_setup', 'true')],
    });
    const done = await deployAndWait(owner, app, { skipHooks: ['failing'] });
    assert.deepEqual(
      [done.status, done.hooks.map(({ name, status }) => [name, status]).sort()],
      [
        'completed',
        [
          ['failing', 'skipped'],
          ['working', 'completed'],
        ],
      ],
    );
    assert.equal((await app.deploy({ skipHooks: ['no such hook'] })).status, 422);
  });

  test('each server of a deployment must exist and be listed once', async () => {
    const server = await createServerResource(owner);
    const app = await createApp(server.id);
    assert.equal((await app.deploy({ servers: ['srv_nothing'] })).status, 422);
    assert.equal((await app.deploy({ servers: [server.id, server.slug] })).status, 422);
    assert.equal((await app.deploy({ servers: [] })).status, 422);
  });
});

test('a restart of Devpilot rolls back the activated servers of a running deployment; a waiting canary survives a restart', async () => {
  const firstDevpilot = await startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } });
  const person = await signUpOwner(firstDevpilot);
  const firstTarget = await createServerResource(person);
  const app = await createTestApp(person, firstTarget.id);
  const first = await deployAndWait(person, app);
  await app.edit({
    hooks: [hook('slow', 'post_release', '[ "$(cat page.txt)" = one ] || { touch ../../busy; sleep 60; }')],
  });
  app.repository.commit({ 'page.txt': 'two' });
  const { id } = (await app.deploy()).body;
  await until(async () => existsSync(join(app.directory, 'busy')));
  const secondDevpilot = await firstDevpilot.restart();
  const personAtSecond = createTestPerson(secondDevpilot, person);
  const failed = await waitForDeployment(personAtSecond, id, isFinished);
  assert.equal(failed.status, 'failed');
  assert.match(failed.error ?? '', /node that ran this deployment was lost or stopped/);
  assert.equal(readFileSync(join(app.directory, 'current/page.txt'), 'utf8'), 'one');
  assert.equal((await getDeployment(personAtSecond, first.id)).live, true);

  const secondTarget = await createServerResource(personAtSecond);
  const body = { servers: [firstTarget.id, secondTarget.id], strategy: 'canary', skipHooks: ['slow'] };
  const canary = await personAtSecond.call<Deployment>(`/v1/apps/${app.id}/deployments`, { body });
  assert.equal(canary.status, 202, canary.text);
  await waitForDeployment(personAtSecond, canary.body.id, ({ waitingFor }) => waitingFor === 'promotion');
  const thirdDevpilot = await secondDevpilot.restart();
  const personAtThird = createTestPerson(thirdDevpilot, person);
  assert.equal((await personAtThird.call(`/v1/deployments/${canary.body.id}/promote`, { method: 'POST' })).status, 202);
  assert.equal((await waitForDeployment(personAtThird, canary.body.id, isFinished)).status, 'completed');
  await thirdDevpilot.close();
});

test('a directory that cannot be created is reported', async () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  const app = await createApp((await createServerResource(owner)).id, { directory: join(file, 'app') });
  const failed = await deployAndWait(owner, app);
  assert.match(failed.error ?? '', /preparing the directory ended with exit code 1: .*Not a directory/);
});

test('a full disk fails the deployment and keeps the live release', async (context) => {
  const app = await createApp((await createServerResource(owner)).id);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', app.directory], { stdio: 'ignore' });
  } catch {
    context.skip('mounting a small disk requires root');
    return;
  }
  try {
    const first = await deployAndWait(owner, app);
    assert.equal(first.status, 'completed', first.error ?? '');
    app.repository.commit({ 'page.txt': 'two', large: randomBytes(3_000_000).toString('hex') });
    const failed = await deployAndWait(owner, app);
    assert.equal(failed.status, 'failed');
    assert.match(failed.error ?? '', /fetching the source ended with exit code 128/);
    const log = await readDeploymentLog(owner, failed.id);
    assert.ok(log.some(({ text }) => /No space left/.test(text)));
    assert.equal(readFileSync(join(app.directory, 'current/page.txt'), 'utf8'), 'one');
    assert.deepEqual(readdirSync(join(app.directory, 'releases')), [first.id]);
  } finally {
    execFileSync('umount', ['--lazy', app.directory]);
  }
});
