import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TEST_SECRET } from '../testing/engines.ts';
import { openTestDatabases, type TestDatabases } from '../testing/postgres.ts';
import type { TestPerson, TestRequest, TestServer } from '../testing/test-server.ts';
import { createKey, signUpMember, signUpOwner, startTestServer } from '../testing/test-server.ts';
import { whileUncommitted } from '../testing/uncommitted.ts';

// PostgreSQL only: SQLite runs one write transaction at a time. `audit/roles.test.ts` tests the rule on both databases.
let postgres: TestDatabases;
let databaseUrl: string;
let testServer: TestServer;
let owner: TestPerson;
before(async () => {
  postgres = await openTestDatabases();
  databaseUrl = await postgres.createDatabase();
  testServer = await startTestServer({
    environment: { DATABASE_URL: databaseUrl, DEVPILOT_SECRET: TEST_SECRET, DEVPILOT_LOCAL_SERVER: 'on' },
  });
  owner = await signUpOwner(testServer);
});
after(async () => {
  await testServer.close();
  await postgres.close();
});

const createResource = async (path: string, body: object) => {
  const response = await owner.call<{ id: string }>(path, { body });
  assert.equal(response.status, 201, response.text);
  return response.body.id;
};
/** Number of requests that got 503 because this process was suspended for longer than a transaction can be idle. */
let unavailableCount = 0;
/**
 * Sends a person's request while a change of their membership is uncommitted. Checks that the request is refused and
 * adds no audit event. `change` is an SQL statement without its `where` clause.
 */
async function expectRefused(person: TestPerson, change: string, path: string, request: TestRequest): Promise<void> {
  const countEvents = async () =>
    (await owner.call<{ data: unknown[] }>('/v1/audit-events?limit=200')).body.data.length;
  const memberCondition = `workspace_id = '${owner.workspaceId}' and
    person_id = (select id from person where email = '${person.email}')`;
  const sql = `select 1 from audit_head where workspace_id = '${owner.workspaceId}' for update; ${change} where ${memberCondition}`;
  const eventsBefore = await countEvents();
  const response = await whileUncommitted(databaseUrl, sql, 1, () => person.call<{ code?: string }>(path, request));
  assert.equal(await countEvents(), eventsBefore, path);
  if (response.status === 503) unavailableCount++;
  else assert.deepEqual([response.status, response.body.code], [403, 'forbidden'], `${path} ${response.text}`);
  assert.ok(unavailableCount <= 1, `${path} ${response.text}`);
}

test('an admin who is demoted during a request changes nothing and reads no variables', async () => {
  const admin = await signUpMember(testServer, owner, 'admin', 'demoted@example.com');
  const bystander = await signUpMember(testServer, owner, 'member', 'bystander@example.com');
  const members = await owner.call<{ data: { id: string; email: string }[] }>('/v1/members');
  const memberId = (person: TestPerson) => members.body.data.find(({ email }) => email === person.email)?.id;
  const [adminId, bystanderId] = [memberId(admin), memberId(bystander)];
  const keyToEdit = await createKey(owner, ['read']);
  const keyToDelete = await createKey(owner, ['read']);
  const projectId = await createResource('/v1/projects', { name: 'Shop' });
  const serverId = await createResource('/v1/servers', { name: 'Here', kind: 'local' });
  const appId = await createResource('/v1/apps', { name: 'Storefront', projectId, serverId });
  const variable = await owner.call(`/v1/apps/${appId}/env/PIN`, { method: 'PUT', body: { value: 'sealed' } });
  assert.ok(variable.status < 300, variable.text);
  const invitation = await createResource('/v1/invitations', { email: 'guest@example.com', role: 'member' });
  const requests: Readonly<Record<string, TestRequest>> = {
    '/v1/access-tokens': { body: { name: 'Late', scopes: ['all'] } },
    '/v1/api-keys': { body: { name: 'Late', permissions: ['read'] } },
    [`/v1/api-keys/${keyToEdit.id}`]: { method: 'PATCH', body: { permissions: ['write'] } },
    [`/v1/api-keys/${keyToDelete.id}`]: { method: 'DELETE' },
    '/v1/projects': { body: { name: 'Late' } },
    '/v1/servers': { body: { name: 'Late', kind: 'local' } },
    [`/v1/apps/${appId}`]: { method: 'PATCH', body: { logCommand: 'id' } },
    [`/v1/apps/${appId}/env/LATE`]: { method: 'PUT', body: { value: 'x' } },
    [`/v1/apps/${appId}/env`]: {},
    '/v1/scripts': { body: { name: 'Late', body: 'id', serverId } },
    '/v1/errors/keys': { body: { name: 'Late' } },
    [`/v1/invitations/${invitation}`]: { method: 'DELETE' },
    [`/v1/workspaces/${owner.workspaceId}`]: { method: 'PATCH', body: { name: 'Mine' } },
    [`/v1/members/${bystanderId}/sessions`]: { method: 'DELETE' },
  };
  for (const [path, request] of Object.entries(requests)) {
    await expectRefused(admin, "update member set role = 'member'", path, request);
    const promoted = await owner.call(`/v1/members/${adminId}`, { method: 'PATCH', body: { role: 'admin' } });
    assert.equal(promoted.status, 200, promoted.text);
  }
  assert.equal((await testServer.call('/v1/authorize', { headers: { 'x-api-key': keyToDelete.secret } })).status, 200);
  assert.equal((await bystander.call('/v1/me')).status, 200);
});

test('a member who is removed during a request starts no run', async () => {
  const member = await signUpMember(testServer, owner, 'member', 'removed@example.com');
  const serverId = await createResource('/v1/servers', { name: 'There', kind: 'local' });
  const script = await createResource('/v1/scripts', { name: 'Clean up', body: 'true', serverId });
  const runPath = `/v1/scripts/${script}/runs`;
  await expectRefused(member, 'delete from member', runPath, { body: { parameters: {} } });
});

test('an API key that is deleted during a request changes nothing', async () => {
  const { id, secret } = await createKey(owner, ['write']);
  const create = () =>
    testServer.call<{ code?: string }>('/v1/projects', {
      body: { name: 'Late key' },
      headers: { 'x-api-key': secret },
    });
  const sql = `select 1 from audit_head where workspace_id = '${owner.workspaceId}' for update;
    delete from credential where id = '${id}'`;
  const { status, body } = await whileUncommitted(databaseUrl, sql, 1, create);
  assert.deepEqual([status, body.code], [401, 'invalid_token']);
  const projects = await owner.call<{ data: { name: string }[] }>('/v1/projects');
  assert.ok(!projects.body.data.some(({ name }) => name === 'Late key'));
});
