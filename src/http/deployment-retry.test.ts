import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Deployment } from '../contract/deployments.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import {
  createServerResource,
  createTestApp,
  deployAndWait,
  hook,
  isFinished,
  readDeploymentLog,
  type TestApp,
  waitForDeployment,
} from '../testing/test-deployments.ts';
import {
  bearer,
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
let sshServerId: string;
let localServerId: string;
before(async () => {
  [testServer, sshd] = await Promise.all([
    startTestServer({ environment: { DEVPILOT_LOCAL_SERVER: 'on' } }),
    startSshd(),
  ]);
  owner = await signUpOwner(testServer);
  const { port, user, hostKey } = sshd;
  const remote = await createServerResource(owner, { kind: 'ssh', host: '127.0.0.1', port, user, hostKey });
  sshd.authorize([remote.publicKey ?? '']);
  sshServerId = remote.id;
  localServerId = (await createServerResource(owner)).id;
});
after(async () => {
  await testServer.close();
  await sshd.close();
});
const createApp = (fields: object = {}, serverId = localServerId) => createTestApp(owner, serverId, fields);
const requestRetry = (id: string, headers?: Record<string, string>) =>
  owner.call<Deployment>(`/v1/deployments/${id}/retry`, { method: 'POST', ...(headers && { headers }) });
async function retryAndWait(id: string): Promise<Deployment> {
  const response = await requestRetry(id);
  assert.equal(response.status, 202, response.text);
  return waitForDeployment(owner, id, isFinished);
}
/** A command that appends a word to the app's trace file. */
const traceCommand = (word: string) => `echo ${word} >> ../../trace`;
const readTrace = (app: TestApp) => readFileSync(join(app.directory, 'trace'), 'utf8').trim().split('\n');
const setVariables = (app: TestApp, values: object) =>
  owner.call(`/v1/apps/${app.id}/env`, { method: 'PATCH', body: { values } });

test('a retry continues with the hook that failed, in the same release', async () => {
  const app = await createApp({
    hooks: [
      hook('install', 'post_source_control', traceCommand('install')),
      hook('build', 'post_setup', `${traceCommand('build')}; test -e ../../ready`),
      hook('start', 'post_release', traceCommand('start')),
    ],
  });
  await setVariables(app, { COLOR: 'blue' });
  const failed = await deployAndWait(owner, app);
  assert.deepEqual([failed.status, failed.attempt], ['failed', 1]);
  app.repository.commit({ 'page.txt': 'two' });
  writeFileSync(join(app.directory, 'ready'), '');
  const retried = await retryAndWait(failed.id);
  assert.deepEqual(
    [retried.status, retried.attempt, retried.commit, retried.live, retried.error],
    ['completed', 2, failed.commit, true, null],
  );
  assert.deepEqual(readTrace(app), ['install', 'build', 'build', 'start']);
  assert.deepEqual(
    retried.hooks.map(({ name, status }) => [name, status]),
    [
      ['install', 'completed'],
      ['build', 'completed'],
      ['start', 'completed'],
    ],
  );
  assert.equal(readFileSync(join(app.directory, 'current/page.txt'), 'utf8'), 'one');
  assert.equal(readFileSync(join(app.directory, 'current/.env'), 'utf8').includes('blue'), true);
  const log = await readDeploymentLog(owner, failed.id);
  assert.ok(log.some(({ text }) => text.startsWith('Attempt 2, requested by Ada')));
  assert.equal(log.at(-1)?.text, 'Completed.');
  const { body } = await owner.call<{ data: { action: string; detail: object }[] }>(
    '/v1/audit-events?action=deployment.retried',
  );
  assert.equal(body.data.length, 1);
  assert.equal((await requestRetry(failed.id)).status, 409);
});

test('after a failure that follows the activation, a retry repeats the activation and everything after it', async () => {
  const app = await createApp({
    hooks: [
      hook('build', 'post_setup', traceCommand('build')),
      hook('start', 'post_release', traceCommand('start')),
      hook('warm up', 'post_release', `${traceCommand('warm')}; test -e ../../ready`),
    ],
  });
  const failed = await deployAndWait(owner, app);
  assert.equal(existsSync(join(app.directory, 'current')), false);
  writeFileSync(join(app.directory, 'ready'), '');
  assert.equal((await retryAndWait(failed.id)).status, 'completed');
  assert.deepEqual(readTrace(app), ['build', 'start', 'warm', 'start', 'warm']);
  assert.equal(readlinkSync(join(app.directory, 'current')), `releases/${failed.id}`);
});

test('a retry repeats the steps that depend on changed variables or changed hooks', async () => {
  const app = await createApp({
    hooks: [
      hook('install', 'post_source_control', traceCommand('install')),
      hook('bundle', 'post_setup', traceCommand('$COLOR')),
      hook('check', 'post_setup', 'exit 1'),
    ],
  });
  await setVariables(app, { COLOR: 'blue' });
  const failed = await deployAndWait(owner, app);
  await setVariables(app, { COLOR: 'green' });
  assert.equal((await retryAndWait(failed.id)).status, 'failed');
  assert.deepEqual(readTrace(app), ['install', 'blue', 'green']);
  await app.edit({
    hooks: [
      hook('install', 'post_source_control', traceCommand('again')),
      hook('bundle', 'post_setup', traceCommand('$COLOR')),
      hook('check', 'post_setup', 'true'),
    ],
  });
  assert.equal((await retryAndWait(failed.id)).status, 'completed');
  assert.deepEqual(readTrace(app), ['install', 'blue', 'green', 'again', 'green']);
});

test('a retry of a deployment to several servers completes it on all of them', async () => {
  const app = await createApp({
    hooks: [hook('build', 'post_setup', 'test -e ../../ready')],
  });
  const failed = await deployAndWait(owner, app, { servers: [sshServerId, localServerId], strategy: 'rolling' });
  assert.deepEqual(
    failed.servers.map(({ status }) => status),
    ['failed', 'cancelled'],
  );
  writeFileSync(join(app.directory, 'ready'), '');
  const retried = await retryAndWait(failed.id);
  assert.deepEqual(
    retried.servers.map(({ status }) => status),
    ['completed', 'completed'],
  );
  assert.equal(retried.hooks[0]?.status, 'completed');
});

test('a retry that is not possible is refused or fails, with a message that gives the reason', async () => {
  const app = await createApp({ hooks: [hook('build', 'post_setup', 'exit 1')] });
  const failed = await deployAndWait(owner, app);
  rmSync(join(app.directory, 'releases', failed.id), { recursive: true });
  assert.match(
    (await retryAndWait(failed.id)).error ?? '',
    /The release of the failed attempt was removed.*Deploy again/,
  );
  await app.edit({ directory: `${app.directory}/elsewhere` });
  const moved = await requestRetry(failed.id);
  assert.equal(moved.status, 409);
  assert.match(moved.text, /directory or repository of the app has changed since. Deploy again/);
  await app.edit({ directory: app.directory, hooks: [] });
  const newer = await deployAndWait(owner, app);
  assert.equal(newer.status, 'completed');
  assert.match((await requestRetry(failed.id)).text, /A newer deployment of this app has started/);
  assert.match((await requestRetry(newer.id)).text, /Only a failed deployment can be retried; this one is completed/);
});

test('deployments are ordered by their start, and a retry never replaces a release that went live later', async () => {
  const app = await createApp({ hooks: [hook('check', 'pre_execution', 'test -e ready')] });
  const ready = join(app.directory, 'ready');
  const approveAndWait = async (id: string) => {
    assert.equal((await owner.call(`/v1/deployments/${id}/approve`, { method: 'POST' })).status, 202);
    return waitForDeployment(owner, id, isFinished);
  };
  const { body: earlier } = await app.deploy({ approval: true });
  const failed = await deployAndWait(owner, app);
  const { body: waiting } = await app.deploy({ approval: true });
  writeFileSync(ready, '');
  assert.equal((await approveAndWait(earlier.id)).status, 'completed');
  const refused = await requestRetry(failed.id);
  assert.equal(refused.status, 409);
  assert.match(refused.text, /A newer deployment of this app has started/);
  assert.equal((await deployAndWait(owner, app)).status, 'completed');
  rmSync(ready);
  assert.equal((await approveAndWait(waiting.id)).status, 'failed');
  writeFileSync(ready, '');
  assert.equal((await retryAndWait(waiting.id)).status, 'completed');
});

test('a retry needs the required variables to be set, and runs once per Idempotency-Key', async () => {
  const app = await createApp({ hooks: [hook('build', 'post_setup', 'exit 1')], requiredVariables: ['TOKEN'] });
  await setVariables(app, { TOKEN: 'some value' });
  const failed = await deployAndWait(owner, app);
  await setVariables(app, { TOKEN: null });
  const refused = await requestRetry(failed.id);
  assert.equal(refused.status, 422, refused.text);
  assert.match(refused.text, /requiredVariables.*must have a value before the app is deployed: TOKEN/);
  await setVariables(app, { TOKEN: 'some value' });
  const headers = { 'idempotency-key': 'again' };
  assert.equal((await requestRetry(failed.id, headers)).status, 202);
  assert.equal((await waitForDeployment(owner, failed.id, isFinished)).attempt, 2);
  const repeated = await requestRetry(failed.id, headers);
  assert.equal(repeated.status, 409);
  assert.match(repeated.text, /idempotent_replay/);
});

test('a retry requires the scope that creating the deployment required', async () => {
  const app = await createApp({ hooks: [hook('build', 'post_setup', 'exit 1')] });
  const [basic, advanced] = await Promise.all([
    createToken(owner, ['basic_deployment']),
    createToken(owner, ['advanced_deployment']),
  ]);
  const statusOf = async (id: string, secret: string) => {
    const url = `${testServer.url}/v1/deployments/${id}/retry`;
    const response = await fetch(url, { method: 'POST', headers: bearer(secret) });
    if (response.status === 202) await waitForDeployment(owner, id, isFinished);
    return response.status;
  };
  const withoutOverrides = await deployAndWait(owner, app);
  const withOverrides = await deployAndWait(owner, app, {
    skipHooks: ['build'],
    healthCheck: { url: 'http://127.0.0.1:1/', timeoutSeconds: 1 },
  });
  assert.equal(withOverrides.status, 'failed');
  assert.equal(await statusOf(withOverrides.id, basic.secret), 403);
  assert.equal(await statusOf(withOverrides.id, advanced.secret), 202);
  assert.equal(await statusOf(withoutOverrides.id, advanced.secret), 403);
  assert.equal(await statusOf(withoutOverrides.id, basic.secret), 409);
});

test('a hook with retries runs again after a failure, and the deployment can be cancelled during the pause before a retry of the hook', async () => {
  const app = await createApp({
    hooks: [hook('flaky', 'post_setup', `${traceCommand('try')}; test "$(wc -l < ../../trace)" -ge 2`, { retries: 1 })],
  });
  const deployed = await deployAndWait(owner, app);
  assert.deepEqual([deployed.status, deployed.hooks[0]?.attempts, deployed.hooks[0]?.exitCode], ['completed', 2, 0]);
  const log = await readDeploymentLog(owner, deployed.id);
  assert.ok(log.some(({ text }) => /exit code 1. Attempt 2 of 2 starts in 1 s\.$/.test(text)));
  await app.edit({ hooks: [hook('broken', 'post_setup', 'exit 3', { retries: 5 })] });
  const { body: pending } = await app.deploy();
  await until(async () => (await readDeploymentLog(owner, pending.id)).some(({ text }) => /Attempt 3 of 6/.test(text)));
  await owner.call(`/v1/deployments/${pending.id}/cancel`, { method: 'POST' });
  const cancelled = await waitForDeployment(owner, pending.id, isFinished);
  assert.equal(cancelled.status, 'cancelled');
  assert.deepEqual(readdirSync(join(app.directory, 'releases')), [deployed.id]);
});

test('a hook can receive the variables as files, which are removed when the hook ends or times out', async () => {
  const secret = 'line 1\nline 2 of a s3cret';
  const app = await createApp(
    {
      hooks: [
        hook(
          'login',
          'post_setup',
          'cp "$DEVPILOT_VARIABLES_DIR/PASSWORD" ../../copy; echo "$DEVPILOT_VARIABLES_DIR" > ../../login-directory; stat -c %a "$DEVPILOT_VARIABLES_DIR" "$DEVPILOT_VARIABLES_DIR/PASSWORD" > ../../modes; test -z "$PASSWORD"; ! grep -q s3cret /proc/self/environ',
          { variables: 'files' },
        ),
        hook('hang', 'post_setup', 'echo "$DEVPILOT_VARIABLES_DIR" > ../../hang-directory; sleep 600', {
          variables: 'files',
          timeoutSeconds: 1,
        }),
      ],
    },
    sshServerId,
  );
  await setVariables(app, { PASSWORD: secret });
  const failed = await deployAndWait(owner, app);
  assert.match(failed.error ?? '', /the hook hang timed out/);
  const readAppFile = (name: string) => readFileSync(join(app.directory, name), 'utf8').trim();
  assert.equal(readFileSync(join(app.directory, 'copy'), 'utf8'), secret);
  assert.deepEqual(readAppFile('modes').split('\n'), ['700', '600']);
  assert.equal(readAppFile('login-directory').startsWith(existsSync('/dev/shm') ? '/dev/shm/' : '/'), true);
  for (const name of ['login-directory', 'hang-directory']) assert.equal(existsSync(readAppFile(name)), false);
});
