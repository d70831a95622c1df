import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { App } from '../contract/apps.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Deployment, DeploymentVariables } from '../contract/deployments.ts';
import type { Page } from '../contract/paging.ts';
import { ADVANCED_DEPLOYMENT_FIELDS } from '../contract/platform-vocabulary.ts';
import { forEachEngine } from '../testing/engines.ts';
import { isRunning } from '../testing/running-processes.ts';
import {
  createServerResource,
  createTestApp,
  deployAndWait,
  getDeployment,
  hook,
  isFinished,
  readDeploymentLog,
  type TestApp,
  waitForDeployment,
} from '../testing/test-deployments.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { until } from '../testing/until.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

forEachEngine('deployments', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let serverId: string;
  before(async () => {
    testServer = await startTestServer({
      environment: { ...(await engine.environment()), DEVPILOT_LOCAL_SERVER: 'on' },
    });
    owner = await signUpOwner(testServer);
    serverId = (await createServerResource(owner)).id;
  });
  after(() => testServer.close());
  const createApp = (fields: object = {}) => createTestApp(owner, serverId, fields);
  const readLivePage = (app: TestApp) => readFileSync(join(app.directory, 'current/page.txt'), 'utf8');
  const listReleases = (app: TestApp) => readdirSync(join(app.directory, 'releases'));

  test('a deployment creates a release of the commit, runs the hooks in order and activates the release', async () => {
    const command = 'echo "$DEVPILOT_STAGE in $(pwd -P) of $DEVPILOT_COMMIT $SHOP_KEY"';
    const app = await createApp({
      hooks: [
        hook('after release', 'post_release', command),
        hook('after setup', 'post_setup', `${command}; ls -d .env shared`),
        hook('after source', 'post_source_control', `${command}; ls -d .env shared 2>/dev/null; true`),
        hook('before source', 'pre_source_control', command),
        hook('before all', 'pre_execution', command),
        hook('inactive', 'pre_execution', 'exit 1', { active: false }),
      ],
      healthCheck: { command: 'test "$(cat page.txt)" = one', timeoutSeconds: 10 },
    });
    await owner.call(`/v1/apps/${app.id}/env/SHOP_KEY`, { method: 'PUT', body: { value: 'k3y of the shop' } });
    const response = await app.deploy();
    assert.equal(response.status, 202, response.text);
    const { id } = response.body;
    assert.equal(response.headers.get('location'), `/v1/deployments/${id}`);
    assert.deepEqual(
      [
        response.body.status,
        response.body.progress,
        response.body.branch,
        response.body.commit,
        response.body.live,
        response.body.kind,
      ],
      ['pending', 0, 'main', null, false, 'deploy'],
    );
    const lines = await readDeploymentLog(owner, id, '?follow=true');
    const done = await getDeployment(owner, id);
    const commit = app.repository.git('rev-parse', 'HEAD');
    assert.deepEqual(
      [done.status, done.progress, done.commit, done.live, done.error, done.createdBy.kind],
      ['completed', 100, commit, true, null, 'person'],
    );
    assert.deepEqual(done.servers, [{ serverId, status: 'completed' }]);
    assert.deepEqual(
      done.hooks.map(({ status, exitCode }) => [status, exitCode]),
      Array.from({ length: 5 }, () => ['completed', 0]),
    );
    assert.deepEqual(
      done.hooks.map(({ name }) => name),
      ['before all', 'before source', 'after source', 'after setup', 'after release'],
    );
    const release = join(app.directory, 'releases', id);
    assert.deepEqual(
      lines.filter(({ stream, step }) => stream === 'stdout' && step !== 'setup').map(({ text }) => text),
      [
        `pre_execution in ${app.directory} of  [secret]`,
        `pre_source_control in ${app.directory} of  [secret]`,
        `post_source_control in ${release} of ${commit} [secret]`,
        `post_setup in ${release} of ${commit} [secret]`,
        '.env',
        'shared',
        `post_release in ${release} of ${commit} [secret]`,
      ],
    );
    assert.equal(readlinkSync(join(app.directory, 'current')), `releases/${id}`);
    assert.equal(readLivePage(app), 'one');
    assert.equal(statSync(join(release, '.env')).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(release, '.env'), 'utf8'), "SHOP_KEY='k3y of the shop'\n");
    assert.ok(lstatSync(join(release, 'shared')).isSymbolicLink() && existsSync(join(release, 'shared')));
    assert.deepEqual(
      (await readDeploymentLog(owner, id, `?from=${lines.length - 1}`)).map(({ text }) => text),
      ['Completed.'],
    );
  });

  test('a failure before activation leaves the live release unchanged, and the next deployment removes the failed release', async () => {
    const app = await createApp();
    const first = await deployAndWait(owner, app);
    assert.equal(first.live, true);
    await app.edit({
      hooks: [hook('build', 'post_setup', 'echo missing dependency >&2; exit 7'), hook('next', 'post_setup', 'true')],
    });
    app.repository.commit({ 'page.txt': 'two' });
    const failed = await deployAndWait(owner, app);
    assert.deepEqual([failed.status, failed.live], ['failed', false]);
    assert.match(failed.error ?? '', /the hook build ended with exit code 7: missing dependency/);
    assert.deepEqual(
      failed.hooks.map(({ name, status, exitCode }) => [name, status, exitCode]),
      [
        ['build', 'failed', 7],
        ['next', 'skipped', null],
      ],
    );
    assert.equal(readLivePage(app), 'one');
    assert.deepEqual(listReleases(app).sort(), [first.id, failed.id].sort());
    assert.equal((await getDeployment(owner, first.id)).live, true);
    await app.edit({ hooks: [] });
    const nextDeployment = await deployAndWait(owner, app);
    assert.deepEqual(listReleases(app).sort(), [first.id, nextDeployment.id].sort());
  });

  test('a failure after activation restores and restarts the previous release', async () => {
    const app = await createApp({ hooks: [hook('start', 'post_release', 'cp page.txt ../../running')] });
    const readRunningPage = () => readFileSync(join(app.directory, 'running'), 'utf8');
    const first = await deployAndWait(owner, app);
    assert.equal(readRunningPage(), 'one');
    await app.edit({ healthCheck: { command: 'echo sick; test "$(cat page.txt)" = one', timeoutSeconds: 1 } });
    app.repository.commit({ 'page.txt': 'two' });
    const failed = await deployAndWait(owner, app);
    assert.deepEqual([failed.status, failed.live], ['failed', false]);
    assert.match(failed.error ?? '', /not healthy within 1 second: sick/);
    assert.equal(readlinkSync(join(app.directory, 'current')), `releases/${first.id}`);
    assert.equal(readRunningPage(), 'one');
    assert.equal((await getDeployment(owner, first.id)).live, true);
  });

  test('a failure after activation restarts the previous release even if files of the new one cannot be removed', async () => {
    const start = hook('start', 'post_release', 'cp page.txt ../../running');
    const app = await createApp({ hooks: [start] });
    const first = await deployAndWait(owner, app);
    // Tests that run as root can remove every file, so this rm fails on purpose.
    const bin = join(app.directory, 'bin');
    mkdirSync(bin);
    const failingRm = `#!/bin/sh\ncase "$*" in *releases/*) echo 'rm: Permission denied' >&2; exit 1;; esac\nexec /bin/rm "$@"\n`;
    writeFileSync(join(bin, 'rm'), failingRm, { mode: 0o755 });
    await app.edit({
      hooks: [
        hook('first', 'post_release', 'cp page.txt ../../first; exit 9'),
        start,
        hook('last', 'post_release', 'test "$(cat page.txt)" = one'),
      ],
      healthCheck: null,
    });
    app.repository.commit({ 'page.txt': 'two' });
    // With a file in place of this directory, the failed release cannot be marked for a retry, so it is removed.
    writeFileSync(join(app.directory, '.devpilot/failed'), '');
    const { PATH } = process.env;
    process.env['PATH'] = `${bin}:${PATH}`;
    const failed = await deployAndWait(owner, app).finally(() => {
      process.env['PATH'] = PATH;
    });
    assert.equal(failed.status, 'failed');
    assert.equal(readlinkSync(join(app.directory, 'current')), `releases/${first.id}`);
    assert.equal(readFileSync(join(app.directory, 'first'), 'utf8'), 'one');
    assert.equal(readFileSync(join(app.directory, 'running'), 'utf8'), 'one');
    assert.match(failed.error ?? '', /could not be removed completely: rm: Permission denied/);
    assert.match(failed.error ?? '', /the hook first, for the previous release, ended with exit code 9/);
    assert.deepEqual(listReleases(app).sort(), [first.id, failed.id].sort());
  });

  test('hooks with the bash interpreter run with pipefail, and Windows line endings are accepted', async () => {
    const pipeline = 'false | true\r\necho "in a pipe"\r\n';
    const app = await createApp({ hooks: [hook('plain', 'post_setup', `set -e\r\n${pipeline}`)] });
    assert.equal((await deployAndWait(owner, app)).status, 'completed');
    await app.edit({ hooks: [hook('bash', 'post_setup', `set -e\r\n${pipeline}`, { interpreter: '/bin/bash' })] });
    assert.match((await deployAndWait(owner, app)).error ?? '', /the hook bash ended with exit code 1/);
    const python = hook('python', 'post_setup', '#!/usr/bin/env python3\nprint(1)');
    const refused = await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: { hooks: [python] } });
    assert.equal(refused.status, 422);
    assert.match(refused.text, /the first line is #!\/usr\/bin\/env python3, but the interpreter is \/bin\/sh/);
    const bash = hook('bash', 'post_setup', '#!/usr/bin/env bash\ntrue', { interpreter: '/bin/bash' });
    await app.edit({ hooks: [bash] });
  });

  test('a rollback is a new deployment with the commit of an earlier deployment', async () => {
    const app = await createApp();
    const first = await deployAndWait(owner, app);
    app.repository.commit({ 'page.txt': 'two' });
    const second = await deployAndWait(owner, app);
    assert.equal(readLivePage(app), 'two');
    const response = await owner.call<Deployment>(`/v1/apps/${app.slug}/deployments/${first.id}/rollback`, {
      body: {},
    });
    assert.equal(response.status, 202, response.text);
    assert.deepEqual(
      [response.body.kind, response.body.rollbackOf, response.body.commit],
      ['rollback', first.id, first.commit],
    );
    const rolledBack = await waitForDeployment(owner, response.body.id, isFinished);
    assert.deepEqual([rolledBack.status, rolledBack.live, rolledBack.commit], ['completed', true, first.commit]);
    assert.equal(readLivePage(app), 'one');
    assert.equal((await getDeployment(owner, second.id)).live, false);
    const live = await owner.call<Page<Deployment>>(`/v1/deployments?app=${app.slug}&live=true`);
    assert.deepEqual(
      live.body.data.map(({ id }) => id),
      [rolledBack.id],
    );
    const failed = await deployAndWait(owner, app, { branch: 'no-such' });
    assert.match(failed.error ?? '', /no branch no-such/);
    const refused = await owner.call(`/v1/deployments/${failed.id}/rollback`, { body: {} });
    assert.equal(refused.status, 409);
    const otherApp = await createApp();
    assert.equal(
      (await owner.call(`/v1/apps/${otherApp.id}/deployments/${first.id}/rollback`, { body: {} })).status,
      404,
    );
  });

  test('a branch or commit can be deployed, an unknown commit fails, and a branch together with a commit is refused', async () => {
    const app = await createApp();
    const first = app.repository.git('rev-parse', 'HEAD');
    app.repository.git('checkout', '--quiet', '-b', 'feature/$(touch-x)');
    app.repository.commit({ 'page.txt': 'branch' });
    const branch = await deployAndWait(owner, app, { branch: 'feature/$(touch-x)' });
    assert.deepEqual([branch.status, readLivePage(app)], ['completed', 'branch'], branch.error ?? '');
    const commit = await deployAndWait(owner, app, { commit: first.slice(0, 10) });
    assert.deepEqual(
      [commit.status, commit.commit, commit.branch, readLivePage(app)],
      ['completed', first, null, 'one'],
      commit.error ?? '',
    );
    const failed = await deployAndWait(owner, app, { commit: 'deadbeefdeadbeef' });
    assert.match(failed.error ?? '', /no commit deadbeef/);
    const withoutBody = await owner.call<Deployment>(`/v1/apps/${app.id}/deployments`, { method: 'POST' });
    assert.deepEqual([withoutBody.status, withoutBody.body.branch], [202, 'main'], withoutBody.text);
    await waitForDeployment(owner, withoutBody.body.id, isFinished);
    const rollbackWithoutBody = await owner.call<Deployment>(`/v1/deployments/${commit.id}/rollback`, {
      method: 'POST',
    });
    assert.deepEqual(
      [rollbackWithoutBody.status, rollbackWithoutBody.body.commit],
      [202, first],
      rollbackWithoutBody.text,
    );
    await waitForDeployment(owner, rollbackWithoutBody.body.id, isFinished);
    assert.equal((await app.deploy({ branch: 'main', commit: first })).status, 422);
    assert.equal((await app.deploy({ branch: '--upload-pack=x' })).status, 422);
    assert.equal((await app.deploy({ nothing: 1 })).status, 422);
  });

  test('a missing repository and an incomplete app are reported', async () => {
    const brokenApp = await createApp({ repository: '/no/such/repository.git' });
    const failed = await deployAndWait(owner, brokenApp);
    assert.match(failed.error ?? '', /fetching the source ended with exit code 128/);
    for (const [fields, reason] of [
      [{ serverId: null }, /no server/],
      [{ repository: null }, /no repository/],
      [{ directory: null }, /no directory/],
    ] as const) {
      const app = await createApp(fields);
      const refused = await owner.call<{ code: string; detail: string }>(`/v1/apps/${app.id}/deployments`, {
        body: {},
      });
      assert.deepEqual([refused.status, refused.body.code], [409, 'conflict']);
      assert.match(refused.body.detail, reason);
    }
  });

  test('an app whose required variables have no value is neither deployed nor rolled back, and nothing runs', async () => {
    const app = await createApp({ hooks: [hook('show', 'pre_execution', 'echo "$DATABASE_URL $REGION"')] });
    const first = await deployAndWait(owner, app);
    const required = ['DATABASE_URL', 'REGION', 'LICENSE'];
    await app.edit({ requiredVariables: required });
    const setVariables = async (path: string, values: Readonly<Record<string, string | null>>) =>
      assert.equal((await owner.call(`${path}/env`, { method: 'PATCH', body: { values } })).status, 200);
    const { projectId } = (await owner.call<App>(`/v1/apps/${app.id}`)).body;
    await setVariables(`/v1/apps/${app.id}`, { LICENSE: '' });
    await setVariables(`/v1/projects/${projectId}`, { REGION: 'eu', LICENSE: 'overridden by an empty value' });
    for (const path of [`/v1/apps/${app.id}/deployments`, `/v1/deployments/${first.id}/rollback`]) {
      const refused = await owner.call<{ errors: object[] }>(path, { body: {} });
      assert.deepEqual(
        [refused.status, refused.body.errors],
        [
          422,
          [
            {
              field: 'requiredVariables',
              message: 'must have a value before the app is deployed: DATABASE_URL, LICENSE',
            },
          ],
        ],
      );
    }
    await setVariables(`/v1/apps/${app.id}`, { LICENSE: null, DATABASE_URL: 'postgres://db' });
    assert.equal((await deployAndWait(owner, app)).status, 'completed');
    const waiting = (await app.deploy({ approval: true })).body;
    await setVariables(`/v1/apps/${app.id}`, { DATABASE_URL: null });
    assert.equal((await owner.call(`/v1/deployments/${waiting.id}/approve`, { method: 'POST' })).status, 202);
    const failed = await waitForDeployment(owner, waiting.id, isFinished);
    assert.deepEqual(
      [failed.status, failed.error],
      ['failed', 'The required variables must have a value before the app is deployed: DATABASE_URL.'],
    );
    assert.deepEqual(
      (await readDeploymentLog(owner, failed.id)).filter(({ stream }) => stream !== 'system'),
      [],
    );
  });

  test("only the newest releases are kept, as many as the app's keepReleases", async () => {
    const app = await createApp({ keepReleases: 2 });
    const ids: string[] = [];
    for (let index = 0; index < 4; index++) ids.push((await deployAndWait(owner, app)).id);
    await until(async () => listReleases(app).length === 2);
    assert.deepEqual(listReleases(app).sort(), ids.slice(2));
  });

  test('the variables of a release are compared with those of the previous release, without revealing their values', async () => {
    const app = await createApp();
    const setVariables = (values: object) =>
      owner.call(`/v1/apps/${app.id}/env`, { method: 'PATCH', body: { values } });
    await setVariables({ REMOVED: 'value-1', KEPT: 'value-2', ROTATED: 'value-3' });
    const first = await deployAndWait(owner, app);
    const compare = (id: string) => owner.call<DeploymentVariables>(`/v1/deployments/${id}/variables`);
    const names = ['KEPT', 'REMOVED', 'ROTATED'];
    const noChanges = { added: [], removed: [], changed: [] };
    assert.deepEqual((await compare(first.id)).body, { comparedWith: null, names, ...noChanges });
    await setVariables({ REMOVED: null, ROTATED: 'value-4', NEW: 'value-5' });
    const second = await deployAndWait(owner, app);
    await setVariables({ SET_AFTERWARDS: 'value-6' });
    const compared = await compare(second.id);
    assert.deepEqual(compared.body, {
      comparedWith: first.id,
      names: ['KEPT', 'NEW', 'ROTATED'],
      added: ['NEW'],
      removed: ['REMOVED'],
      changed: ['ROTATED'],
    });
    assert.doesNotMatch(compared.text, /value/);
    const { secret } = await createToken(owner, ['basic_deployment']);
    const refused = await testServer.call(`/v1/deployments/${second.id}/variables`, { headers: bearer(secret) });
    assert.equal(refused.status, 403);
    assert.equal((await owner.call('/v1/deployments/dpl_none/variables')).status, 404);
  });

  test('two deployments of an app never overlap; a newer one waits, or replaces a queued one', async () => {
    const app = await createApp({
      hooks: [
        hook(
          'slow',
          'post_setup',
          'test ! -e ../../busy; touch ../../busy; while [ ! -e ../../go ]; do sleep 0.05; done; rm ../../busy',
        ),
      ],
    });
    const first = (await app.deploy()).body;
    await until(async () => existsSync(join(app.directory, 'busy')));
    const second = (await app.deploy()).body;
    const queued = await getDeployment(owner, second.id);
    assert.deepEqual([queued.waitingFor, queued.blockedBy], ['queue', first.id]);
    assert.equal((await getDeployment(owner, first.id)).blockedBy, null);
    const third = (await app.deploy({ replace: true })).body;
    const replaced = await getDeployment(owner, second.id);
    assert.equal(replaced.status, 'cancelled');
    assert.match(replaced.error ?? '', new RegExp(third.id));
    assert.equal((await getDeployment(owner, third.id)).status, 'pending');
    const deletion = await owner.call(`/v1/apps/${app.id}`, { method: 'DELETE' });
    assert.equal(deletion.status, 409);
    writeFileSync(join(app.directory, 'go'), '');
    assert.equal((await waitForDeployment(owner, first.id, isFinished)).status, 'completed');
    assert.equal((await waitForDeployment(owner, third.id, isFinished)).status, 'completed');
  });

  test('cancelling a deployment ends all its processes and rolls back what it activated', async () => {
    const app = await createApp();
    const first = await deployAndWait(owner, app);
    // Identifies the processes of the hook.
    const uniqueSeconds = `98${process.pid}`;
    const hang = `[ "$(cat page.txt)" = one ] || { touch ../../started; sleep ${uniqueSeconds} & sleep ${uniqueSeconds}; }`;
    await app.edit({ hooks: [hook('hang', 'post_release', hang)] });
    app.repository.commit({ 'page.txt': 'two' });
    const { id } = (await app.deploy()).body;
    await until(async () => existsSync(join(app.directory, 'started')));
    assert.equal(readLivePage(app), 'two');
    const response = await owner.call<Deployment>(`/v1/deployments/${id}/cancel`, { method: 'POST' });
    assert.deepEqual([response.status, response.body.status], [202, 'processing']);
    const cancelled = await waitForDeployment(owner, id, isFinished);
    assert.deepEqual([cancelled.status, cancelled.error], ['cancelled', 'Ada Lovelace cancelled this.']);
    assert.equal(readLivePage(app), 'one');
    assert.equal((await getDeployment(owner, first.id)).live, true);
    assert.ok(!isRunning('sleep', uniqueSeconds));
    const secondCancel = await owner.call<{ code: string }>(`/v1/deployments/${id}/cancel`, { method: 'POST' });
    assert.deepEqual([secondCancel.status, secondCancel.body.code], [409, 'conflict']);
    const events = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${id}`);
    assert.deepEqual(
      events.body.data.map(({ action }) => action),
      ['deployment.cancelled', 'deployment.created'],
    );
  });

  test("the token that started a deployment stays in the activity log, and its deletion during the deployment is reported in the deployment's log", async () => {
    const app = await createApp({
      hooks: [hook('slow', 'post_setup', 'touch ../../busy; while [ ! -e ../../go ]; do sleep 0.05; done')],
    });
    const token = await createToken(owner, ['basic_deployment'], { name: 'Pipeline of the shop' });
    const response = await testServer.call<Deployment>(`/v1/apps/${app.id}/deployments`, {
      headers: bearer(token.secret),
      body: {},
    });
    assert.equal(response.status, 202, response.text);
    const { id } = response.body;
    assert.deepEqual(response.body.createdBy, { kind: 'access_token', id: token.id, name: 'Pipeline of the shop' });
    await until(async () => existsSync(join(app.directory, 'busy')));
    assert.equal((await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status, 204);
    writeFileSync(join(app.directory, 'go'), '');
    const done = await waitForDeployment(owner, id, isFinished);
    assert.equal(done.status, 'completed');
    const deletionLines = (await readDeploymentLog(owner, id)).filter(({ text }) =>
      /Pipeline of the shop.*was deleted/.test(text),
    );
    assert.equal(deletionLines.length, 1);
    const events = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${id}`);
    assert.deepEqual(
      events.body.data.map(({ action, credential }) => [action, credential?.id, credential?.name]),
      [
        ['deployment.completed', token.id, 'Pipeline of the shop'],
        ['deployment.created', token.id, 'Pipeline of the shop'],
      ],
    );
  });

  test('the rights to the sent fields are checked before the fields are validated', async () => {
    const app = await createApp();
    const basic = await createToken(owner, ['basic_deployment']);
    const advanced = await createToken(owner, ['advanced_deployment']);
    const key = await createKey(owner, ['deploy']);
    const inOneHour = new Date(Date.now() + 3_600_000).toISOString();
    const send = (secret: string, body: object) =>
      testServer.call<{ id: string; code: string; required: string[] }>(`/v1/apps/${app.id}/deployments`, {
        headers: bearer(secret),
        body,
      });
    for (const body of [
      { servers: [serverId] },
      { strategy: 'rolling' },
      { batchSize: 1 },
      { pauseSeconds: 0 },
      { healthCheck: null },
      { scheduledAt: inOneHour },
      { approval: true },
      { skipHooks: [] },
      { strategy: 'nonsense' },
    ]) {
      const refused = await send(basic.secret, body);
      assert.deepEqual(
        [refused.status, refused.body.code, refused.body.required],
        [403, 'insufficient_scope', ['advanced_deployment']],
        JSON.stringify(body),
      );
    }
    const withoutBasicScope = await send(advanced.secret, { branch: 'main' });
    assert.deepEqual([withoutBasicScope.status, withoutBasicScope.body.required], [403, ['basic_deployment']]);
    for (const secret of [advanced.secret, key.secret]) {
      const waiting = await send(secret, { scheduledAt: inOneHour });
      assert.equal(waiting.status, 202, waiting.text);
      const cancelled = await testServer.call(`/v1/deployments/${waiting.body.id}/cancel`, {
        method: 'POST',
        headers: bearer(secret),
      });
      assert.equal(cancelled.status, 202);
    }
    assert.equal((await send(key.secret, { strategy: 'nonsense' })).status, 422);
    const member = await signUpMember(testServer, owner, 'member', `linus-${engine.name}@example.com`);
    const byMember = await member.call<Deployment>(`/v1/apps/${app.id}/deployments`, { body: { approval: true } });
    assert.equal(byMember.status, 202);
    assert.equal((await member.call(`/v1/deployments/${byMember.body.id}/cancel`, { method: 'POST' })).status, 202);
  });

  test('fuzz: requests about deployments with random bodies, IDs and queries are refused, and never cause an internal error', async () => {
    const app = await createApp({ serverId: null });
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('\0', '', serverId, 'main', '../x'),
    );
    const value = fc.oneof(
      text,
      fc.integer(),
      fc.constant(null),
      fc.boolean(),
      fc.array(text, { maxLength: 3 }),
      fc.object(),
    );
    const field = fc.constantFrom(
      'branch',
      'commit',
      'healthCheck',
      'replace',
      'nothing',
      ...ADVANCED_DEPLOYMENT_FIELDS,
    );
    const body = fc.oneof(fc.dictionary(field, value, { maxKeys: 4 }), value);
    await fc.assert(
      fc.asyncProperty(body, text, async (sent, id) => {
        const pathPart = encodeURIComponent(id.toWellFormed()) || 'x';
        const requests = [
          owner.call(`/v1/apps/${app.id}/deployments`, { body: JSON.stringify(sent), headers: JSON_TYPE }),
          owner.call(`/v1/deployments/${pathPart}/rollback`, { body: JSON.stringify(sent), headers: JSON_TYPE }),
          owner.call(`/v1/deployments/${pathPart}`),
          owner.call(`/v1/deployments?app=${pathPart}&cursor=${pathPart}`),
          owner.call(`/v1/deployments/${pathPart}/logs?from=${pathPart}`),
        ];
        for (const { status, text: output } of await Promise.all(requests))
          assert.ok(status >= 400 && status < 500, output);
      }),
      { numRuns: 40 },
    );
  });
});
