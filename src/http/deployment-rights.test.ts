import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { CredentialUses } from '../contract/credentials.ts';
import type { Deployment } from '../contract/deployments.ts';
import type { Page } from '../contract/paging.ts';
import { forEachEngine } from '../testing/engines.ts';
import { runSql } from '../testing/sql.ts';
import {
  createServerResource,
  createTestApp,
  isFinished,
  type TestApp,
  waitForDeployment,
} from '../testing/test-deployments.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

/** Compares values by their JSON, to sort them. */
const byJson = (left: unknown, right: unknown) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1);

forEachEngine('deployment overrides and approvals', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let app: TestApp;
  let environment: Readonly<Record<string, string>>;
  before(async () => {
    environment = { ...(await engine.environment()), DEVPILOT_LOCAL_SERVER: 'on' };
    testServer = await startTestServer({ environment });
    owner = await signUpOwner(testServer);
    app = await createTestApp(owner, (await createServerResource(owner)).id);
  });
  after(() => testServer.close());
  const inOneHour = () => new Date(Date.now() + 3_600_000).toISOString();
  const cancel = (id: string) => owner.call(`/v1/deployments/${id}/cancel`, { method: 'POST' });

  test('a deployment or a rollback cannot override the health check command', async () => {
    const member = await signUpMember(testServer, owner, 'member', `grace-${engine.name}@example.com`);
    const token = await createToken(owner, ['all']);
    const key = await createKey(owner, ['deploy', 'write', 'manage_apps']);
    const healthCheck = { command: 'env', timeoutSeconds: 5 };
    for (const url of [`/v1/apps/${app.id}/deployments`, '/v1/deployments/dpl_none/rollback']) {
      for (const body of [{ healthCheck }, { healthCheck: { ...healthCheck, url: 'http://127.0.0.1/' } }]) {
        const responses = await Promise.all([
          owner.call(url, { body }),
          member.call(url, { body }),
          testServer.call(url, { body, headers: bearer(token.secret) }),
          testServer.call(url, { body, headers: bearer(key.secret) }),
        ]);
        assert.deepEqual(
          responses.map(({ status }) => status),
          [422, 422, 422, 422],
        );
        for (const { text } of responses) assert.match(text, /healthCheck/);
      }
    }
    const withPassword = { url: 'http://ada:s3cret@127.0.0.1/' };
    assert.equal((await app.deploy({ healthCheck: withPassword })).status, 422);
    const edit = await owner.call(`/v1/apps/${app.id}`, { method: 'PATCH', body: { healthCheck: withPassword } });
    assert.equal(edit.status, 422);
  });

  test('the uses of a token list the scopes that its requests required, including refused requests, with the app if it exists', async () => {
    const token = await createToken(owner, ['basic_deployment', 'advanced_deployment', 'modify_env']);
    const post = (path: string, body: object) => testServer.call(path, { body, headers: bearer(token.secret) });
    assert.equal((await post(`/v1/apps/${app.id}/deployments`, { branch: 5 })).status, 422);
    assert.equal((await post(`/v1/apps/${app.id}/deployments`, { batchSize: 'two' })).status, 422);
    assert.equal((await post('/v1/apps/no-such-app/deployments', {})).status, 404);
    const { slug, name } = (await owner.call<{ slug: string; name: string }>(`/v1/apps/${app.id}`)).body;
    const environmentRead = await testServer.call(`/v1/apps/${slug}/env`, { headers: bearer(token.secret) });
    assert.equal(environmentRead.status, 200);
    const { rights } = (await owner.call<CredentialUses>(`/v1/access-tokens/${token.id}/uses`)).body;
    const usedApp = { id: app.id, name };
    assert.deepEqual(rights.map(({ right, app: rightApp, count }) => ({ right, app: rightApp, count })).sort(byJson), [
      { right: 'advanced_deployment', app: usedApp, count: 1 },
      { right: 'basic_deployment', app: null, count: 1 },
      { right: 'basic_deployment', app: usedApp, count: 1 },
      { right: 'modify_env', app: usedApp, count: 1 },
    ]);
    const usedToken = await owner.call<{ useCount: number }>(`/v1/access-tokens/${token.id}`);
    assert.equal(usedToken.body.useCount, 4);
  });

  test('every override is recorded in the deployment and in its audit event', async () => {
    const server = await createServerResource(owner);
    const overrides = {
      servers: [server.slug],
      strategy: 'rolling',
      batchSize: 2,
      pauseSeconds: 1,
      healthCheck: { url: 'http://127.0.0.1:9/healthz', timeoutSeconds: 7 },
      scheduledAt: inOneHour(),
      approval: true,
      skipHooks: [],
      replace: true,
    };
    const response = await app.deploy(overrides);
    assert.equal(response.status, 202, response.text);
    const expected = { ...overrides, servers: [server.id] };
    assert.deepEqual(response.body.overrides, expected);
    const { body: log } = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${response.body.id}`);
    assert.deepEqual(log.data.at(-1)?.detail['overrides'], expected);
    await cancel(response.body.id);
    const withoutHealthCheck = await app.deploy({ healthCheck: null, scheduledAt: inOneHour() });
    assert.deepEqual(withoutHealthCheck.body.overrides.healthCheck, null);
    await cancel(withoutHealthCheck.body.id);
    const withoutOverrides = await app.deploy({ branch: 'main' });
    assert.deepEqual(withoutOverrides.body.overrides, {});
    await cancel(withoutOverrides.body.id);
  });

  test('a health check command stored by an earlier version is shown, but does not run', async () => {
    const { body: created } = await app.deploy({ scheduledAt: inOneHour(), approval: true });
    const check = '{"command":"touch ran-by-override","timeoutSeconds":5}';
    await runSql(
      testServer,
      environment,
      `update deployment set health_check = '${check}', scheduled_at = null, overrides = '{"healthCheck":${check}}'
        where id = '${created.id}'`,
    );
    const token = await createToken(owner, ['advanced_deployment']);
    const member = await signUpMember(testServer, owner, 'member', `barbara-${engine.name}@example.com`);
    const byRequestersToken = await testServer.call(`/v1/deployments/${created.id}/approve`, {
      method: 'POST',
      headers: bearer(token.secret),
    });
    assert.equal(byRequestersToken.status, 403, "a requester's token is not another approver");
    assert.equal((await member.call(`/v1/deployments/${created.id}/approve`, { method: 'POST' })).status, 202);
    const failed = await waitForDeployment(owner, created.id, isFinished);
    assert.equal(failed.status, 'failed');
    assert.match(failed.error ?? '', /no longer accepted/);
    assert.deepEqual(failed.overrides.healthCheck, JSON.parse(check));
    assert.ok(!existsSync(join(app.directory, 'current')));
  });

  test('a password in a health check URL stored by an earlier version is never shown', async () => {
    const { body: created } = await app.deploy({ scheduledAt: inOneHour() });
    const check = '{"url":"http://ada:s3cret@127.0.0.1/healthz","timeoutSeconds":5}';
    const overrides = `{"healthCheck":${check}}`;
    await runSql(
      testServer,
      environment,
      `update deployment set overrides = '${overrides}' where id = '${created.id}'`,
    );
    await runSql(testServer, environment, `update app set health_check = '${check}' where id = '${app.id}'`);
    for (const url of [`/v1/deployments/${created.id}`, `/v1/deployments`, `/v1/apps/${app.id}`]) {
      const { status, text } = await owner.call(url);
      assert.equal(status, 200);
      assert.match(text, /127\.0\.0\.1\/healthz/);
      assert.doesNotMatch(text, /s3cret/);
    }
    await runSql(testServer, environment, `update app set health_check = null where id = '${app.id}'`);
    await cancel(created.id);
  });

  test('the requester cannot approve a deployment if someone else could', async () => {
    const approve = <Body>(person: TestPerson, id: string) =>
      person.call<Body>(`/v1/deployments/${id}/approve`, { method: 'POST' });
    const soleMember = await createWorkspaceFor(owner, testServer, 'A workspace of one');
    const soleApp = await createTestApp(soleMember, (await createServerResource(soleMember)).id);
    const first = (await soleApp.deploy({ approval: true, scheduledAt: inOneHour() })).body;
    assert.equal((await approve(soleMember, first.id)).status, 202, 'no one else can approve');
    await soleMember.call(`/v1/deployments/${first.id}/cancel`, { method: 'POST' });
    const second = (await soleApp.deploy({ approval: true, scheduledAt: inOneHour() })).body;
    const secondMember = await signUpMember(testServer, soleMember, 'member', `hedy-${engine.name}@example.com`);
    const refused = await approve<{ code: string; detail: string }>(soleMember, second.id);
    assert.deepEqual([refused.status, refused.body.code], [403, 'forbidden']);
    assert.match(refused.body.detail, /Someone else must approve/);
    const approved = await approve<Deployment>(secondMember, second.id);
    assert.deepEqual([approved.status, approved.body.approval?.status], [202, 'given']);
    await soleMember.call(`/v1/deployments/${second.id}/cancel`, { method: 'POST' });
  });

  test("in a workspace with other members, a deployment requested with a credential cannot be approved by the credential's creator or with another of that person's credentials", async () => {
    const person = await createWorkspaceFor(owner, testServer, 'A workspace with credentials');
    const ownApp = await createTestApp(person, (await createServerResource(person)).id);
    const token = await createToken(person, ['advanced_deployment']);
    const key = await createKey(person, ['deploy']);
    const callerWith =
      (secret: string): TestPerson['call'] =>
      (path, options) =>
        testServer.call(path, { ...options, headers: bearer(secret) });
    const callers = { person: person.call, token: callerWith(token.secret), key: callerWith(key.secret) };
    const requestDeployment = async (requester: keyof typeof callers) => {
      const body = { approval: true, scheduledAt: inOneHour() };
      const response = await callers[requester]<Deployment>(`/v1/apps/${ownApp.id}/deployments`, { body });
      assert.equal(response.status, 202, response.text);
      return response.body.id;
    };
    const approve = async (call: TestPerson['call'], id: string) =>
      (await call(`/v1/deployments/${id}/approve`, { method: 'POST' })).status;
    const pairs = [
      ['person', 'token'],
      ['token', 'person'],
      ['token', 'key'],
      ['key', 'token'],
      ['key', 'person'],
    ] as const;
    for (const [requester, approver] of pairs) {
      const status = await approve(callers[approver], await requestDeployment(requester));
      assert.equal(status, 202, `without another member: ${requester} → ${approver}`);
    }
    const approvedByItself = await approve(callers.token, await requestDeployment('token'));
    assert.equal(approvedByItself, 403, 'a credential never approves its own deployment');
    const member = await signUpMember(testServer, person, 'admin', `lise-${engine.name}@example.com`);
    const memberToken = await createToken(member, ['advanced_deployment']);
    for (const [requester, approver] of pairs) {
      const id = await requestDeployment(requester);
      assert.equal(await approve(callers[approver], id), 403, `${requester} → ${approver}`);
      const otherMember = requester === 'person' ? callerWith(memberToken.secret) : member.call;
      assert.equal(await approve(otherMember, id), 202, `${requester} → another member`);
    }
    const id = await requestDeployment('token');
    await person.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' });
    assert.equal(await approve(callers.person, id), 403, 'deleting the token does not help');
  });
});
