import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Deployment } from '../contract/deployments.ts';
import type { ServerCheck } from '../contract/servers.ts';
import { type ConnectionProxy, startConnectionProxy } from '../testing/connection-proxy.ts';
import { startSshd, type TestSshd } from '../testing/sshd.ts';
import {
  createServerResource,
  createTestApp,
  deployAndWait,
  isFinished,
  type TestApp,
  waitForDeployment,
} from '../testing/test-deployments.ts';
import { signUpOwner, startTestServer, type TestPerson, type TestServer } from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

let testServer: TestServer;
let owner: TestPerson;
let sshd: TestSshd;
const proxies: ConnectionProxy[] = [];
before(async () => {
  [testServer, sshd] = await Promise.all([
    startTestServer({ connectRetryDelays: { short: [20, 40], long: [20, 40, 80, 160] } }),
    startSshd(),
  ]);
  owner = await signUpOwner(testServer);
});
after(async () => {
  await testServer.close();
  await sshd.close();
  for (const proxy of proxies) await proxy.close();
});

const STAGES = ['pre_execution', 'pre_source_control', 'post_source_control', 'post_setup', 'post_release'];

async function createAppBehind(proxy: ConnectionProxy, fields: object): Promise<TestApp> {
  proxies.push(proxy);
  const { user, hostKey } = sshd;
  const server = await createServerResource(owner, { kind: 'ssh', host: '127.0.0.1', port: proxy.port, user, hostKey });
  sshd.authorize([server.publicKey ?? '']);
  return createTestApp(owner, server.id, fields);
}

test('deployments with hooks, health checks and a rollback succeed behind a firewall that limits connections', async () => {
  // `ufw limit` refuses the sixth connection within 30 seconds. Here all connections count, regardless of the time.
  const proxy = await startConnectionProxy(sshd.port, (attempt) => attempt >= 6);
  const hooks = STAGES.map((stage) => ({ name: stage, stage, run: 'true' }));
  const app = await createAppBehind(proxy, { hooks, healthCheck: { command: 'test ! -e broken' } });
  const first = await deployAndWait(owner, app);
  assert.equal(first.status, 'completed', first.error ?? '');
  assert.equal(first.hooks.length, hooks.length);
  app.repository.commit({ 'page.txt': 'two' });
  const second = await deployAndWait(owner, app);
  assert.equal(second.status, 'completed', second.error ?? '');
  const rollback = await owner.call<Deployment>(`/v1/deployments/${first.id}/rollback`, { body: {} });
  assert.equal(rollback.status, 202, rollback.text);
  const rolledBack = await waitForDeployment(owner, rollback.body.id, isFinished);
  assert.equal(rolledBack.status, 'completed', rolledBack.error ?? '');
  // The failed health check rolls this deployment back over the same connection.
  app.repository.commit({ broken: '' });
  await app.edit({ healthCheck: { command: 'test ! -e broken', timeoutSeconds: 1 } });
  const failed = await deployAndWait(owner, app);
  assert.match(failed.error ?? '', /not healthy/);
  assert.equal(readFileSync(join(app.directory, 'current/page.txt'), 'utf8'), 'one');
  assert.equal(proxy.attemptCount(), 4, 'one connection per deployment');
});

test('a deployment rolls back if its connection is lost after activation, even if a firewall refuses the first attempts', async () => {
  let remainingRefusals = 0;
  const proxy = await startConnectionProxy(sshd.port, () => remainingRefusals-- > 0);
  const app = await createAppBehind(proxy, {});
  assert.equal((await deployAndWait(owner, app)).status, 'completed');
  const started = join(app.directory, 'started');
  await app.edit({ hooks: [{ name: 'Restart', stage: 'post_release', run: `touch ${started}; exec sleep 5` }] });
  app.repository.commit({ 'page.txt': 'two' });
  const { id } = (await app.deploy()).body;
  await until(async () => existsSync(started));
  assert.equal(readFileSync(join(app.directory, 'current/page.txt'), 'utf8'), 'two');
  const attemptsBefore = proxy.attemptCount();
  remainingRefusals = 3;
  proxy.closeConnections();
  const failed = await waitForDeployment(owner, id, isFinished);
  assert.equal(failed.status, 'failed');
  assert.equal(readFileSync(join(app.directory, 'current/page.txt'), 'utf8'), 'one', failed.error ?? '');
  assert.ok(proxy.attemptCount() - attemptsBefore > 3, 'connected after three refusals');
});

test('a server check makes a single attempt to connect', async () => {
  const proxy = await startConnectionProxy(sshd.port, () => true);
  proxies.push(proxy);
  const { user, hostKey } = sshd;
  const server = await createServerResource(owner, { kind: 'ssh', host: '127.0.0.1', port: proxy.port, user, hostKey });
  const { body } = await owner.call<ServerCheck>(`/v1/servers/${server.id}/check`, { method: 'POST' });
  assert.equal(body.ok, false);
  assert.equal(proxy.attemptCount(), 1);
});
