import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CreatedAccessToken } from '../contract/access-tokens.ts';
import type { App } from '../contract/apps.ts';
import type { AuditEvent } from '../contract/audit-events.ts';
import { parseDotenv } from '../contract/dotenv.ts';
import type { Environment, EnvVariable, EnvVersion } from '../contract/environment.ts';
import { RESOURCE_LIMITS } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import type { Project } from '../contract/projects.ts';
import { SCOPES } from '../contract/vocabulary.ts';
import { changeDatabase } from '../testing/sql.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestRequest,
  type TestServer,
} from '../testing/test-server.ts';

let testServer: TestServer;
let owner: TestPerson;
let member: TestPerson;
let project: Project;
let token: CreatedAccessToken;
before(async () => {
  testServer = await startTestServer();
  owner = await signUpOwner(testServer);
  member = await signUpMember(testServer, owner, 'member', 'mia@example.com');
  project = (await owner.call<Project>('/v1/projects', { body: { name: 'Shop' } })).body;
  token = await createToken(owner, ['modify_env'], { name: 'Env pusher' });
});
after(() => testServer.close());

async function createApp(): Promise<App> {
  const created = await owner.call<App>('/v1/apps', { body: { name: 'Till', projectId: project.id } });
  assert.equal(created.status, 201, created.text);
  return created.body;
}
const callWithToken = <Body = unknown>(path: string, { headers, ...request }: TestRequest = {}) =>
  testServer.call<Body>(path, { ...request, headers: { ...bearer(token.secret), ...headers } });
const setVariables = (app: App, values: Readonly<Record<string, string | null>>) =>
  callWithToken<Environment>(`/v1/apps/${app.id}/env`, { method: 'PATCH', body: { values } });
async function readValues(app: App): Promise<Record<string, string | null>> {
  const response = await callWithToken<Environment>(`/v1/apps/${app.slug}/env`);
  assert.equal(response.status, 200);
  return Object.fromEntries(response.body.data.map(({ name, value }) => [name, value]));
}

test('variables are set and removed together or individually, and a refused change has no effect', async () => {
  const app = await createApp();
  assert.equal((await setVariables(app, { B: 'two', A: 'one', EMPTY: '' })).status, 200);
  assert.deepEqual(await readValues(app), { A: 'one', B: 'two', EMPTY: '' });
  assert.equal((await setVariables(app, { A: null, C: 'three', NEVER_SET: null })).status, 200);
  assert.deepEqual(await readValues(app), { B: 'two', C: 'three', EMPTY: '' });
  const refused = await setVariables(app, { B: 'changed', 'not a name': 'x' });
  assert.equal(refused.status, 422);
  assert.deepEqual(await readValues(app), { B: 'two', C: 'three', EMPTY: '' });
  const variable = await callWithToken<EnvVariable>(`/v1/apps/${app.id}/env/D`, {
    method: 'PUT',
    body: { value: 'four' },
  });
  assert.deepEqual([variable.status, variable.body.name, variable.body.value], [200, 'D', 'four']);
  assert.equal((await callWithToken(`/v1/apps/${app.id}/env/D`, { method: 'DELETE' })).status, 204);
  assert.equal((await callWithToken(`/v1/apps/${app.id}/env/D`, { method: 'DELETE' })).status, 404);
  assert.deepEqual(await readValues(app), { B: 'two', C: 'three', EMPTY: '' });
});

test('values are returned exactly, as JSON and as dotenv', async () => {
  const app = await createApp();
  const values = {
    QUOTES: `it's "both" and \`back\``,
    LINES: 'one\ntwo\r\nthree\n',
    HASH: ' # not a comment',
    DOLLAR: '$HOME $(id)',
    UTF8: 'Straße 東京 😀 \u2028',
    BACKSLASH: '\\n \\\\ \\"',
    BLANKS: '  around  ',
  };
  assert.equal((await setVariables(app, values)).status, 200);
  assert.deepEqual(
    await readValues(app),
    Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  const dotenv = await callWithToken(`/v1/apps/${app.id}/env?format=dotenv`);
  assert.match(dotenv.headers.get('content-type') ?? '', /^text\/plain/);
  const parsed = parseDotenv(dotenv.text);
  assert.ok(parsed.ok);
  assert.deepEqual(Object.fromEntries(parsed.values), values);
});

test('a file format that cannot represent a value is refused, and the message names the variable', async () => {
  const app = await createApp();
  await setVariables(app, { GREETING: "it's $HOME", LINES: 'one\ntwo' });
  const getFile = (format: string) => callWithToken(`/v1/apps/${app.id}/env?format=${format}`);
  const shell = await getFile('shell');
  assert.match(shell.headers.get('content-type') ?? '', /^text\/plain/);
  assert.equal(shell.text, `GREETING="it's \\$HOME"\nLINES='one\ntwo'\n`);
  const docker = await getFile('docker');
  assert.equal(docker.status, 422);
  assert.match(docker.text, /"format","message":"cannot be docker: the value of LINES has a line break"/);
  assert.equal((await member.call(`/v1/apps/${app.id}/env?format=docker`)).status, 403);
  assert.equal((await getFile('toml')).status, 422);
});

test('variables that are too large together for Linux to pass to a command are refused, and at the limit one can replace another', async () => {
  const app = await createApp();
  const largeVariables = (from: number, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`V${from + index}`, 'x'.repeat(60_000)]));
  assert.equal((await setVariables(app, largeVariables(0, 30))).status, 200);
  const refused = await setVariables(app, { ...largeVariables(30, 2), LARGEST: 'x'.repeat(65_536) });
  assert.equal(refused.status, 422);
  assert.match(
    refused.text,
    /"values\.LARGEST","message":"must be smaller: the app's variables are 1\.89 MiB in total\. Linux/,
  );
  assert.equal((await setVariables(app, largeVariables(30, 2))).status, 200);
  assert.equal((await setVariables(app, { ...largeVariables(32, 1), V0: null })).status, 200);
});

test('Linux starts a program with the largest variables that an app can have', async () => {
  const app = await createApp();
  const largest = 'x'.repeat(RESOURCE_LIMITS.envValueBytes);
  const names = Array.from({ length: 29 }, (_, index) => `${'N'.repeat(RESOURCE_LIMITS.envName - 2)}${10 + index}`);
  const values: Record<string, string> = Object.fromEntries(names.map((name) => [name, largest]));
  const usedBytes = names.length * (RESOURCE_LIMITS.envName + largest.length + RESOURCE_LIMITS.envVariableOverhead);
  values['FILLER'] = 'x'.repeat(
    RESOURCE_LIMITS.envTotalBytes - usedBytes - 'FILLER'.length - RESOURCE_LIMITS.envVariableOverhead,
  );
  assert.equal((await setVariables(app, values)).status, 200);
  assert.equal((await setVariables(app, { ONE_MORE: '' })).status, 422);
  // SERVER stands for the variables that the app's server itself is expected to add at most.
  const env = { ...values, PATH: process.env['PATH'] ?? '', SERVER: 'x'.repeat(60_000) };
  const started = spawnSync('/usr/bin/env', { env, maxBuffer: 4 * RESOURCE_LIMITS.envTotalBytes });
  assert.deepEqual([started.error, started.status], [undefined, 0]);
  assert.ok(started.stdout.length > RESOURCE_LIMITS.envTotalBytes - 2_000);
});

test('names and values have limits', async () => {
  const app = await createApp();
  const largest = 'é'.repeat(32_768);
  assert.equal((await setVariables(app, { LARGEST: largest })).status, 200);
  assert.equal((await readValues(app))['LARGEST'], largest);
  for (const values of [
    { TOO_LARGE: `${largest}x` },
    { '1A': 'x' },
    { 'A-B': 'x' },
    { '': 'x' },
    { NUL: '\0' },
    { LONE_SURROGATE: '\ud800' },
    { [`A${'B'.repeat(255)}`]: 'x' },
  ]) {
    assert.equal((await setVariables(app, values)).status, 422, JSON.stringify(values).slice(0, 80));
  }
  assert.match((await setVariables(app, { '1A': 'x' })).text, /"values\.1A","message":"must consist of A-Z, /);
  for (const name of ['1A', 'A.B', 'A-B']) {
    const refused = await callWithToken(`/v1/apps/${app.id}/env/${name}`, { method: 'PUT', body: { value: 'x' } });
    assert.equal(refused.status, 422, name);
  }
  const prototypeBody = '{"values":{"__proto__":"x"}}';
  const path = `/v1/apps/${app.id}/env`;
  const refused = await callWithToken(path, {
    method: 'PATCH',
    body: prototypeBody,
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(refused.status, 422);
  const variables = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`V${index}`, 'x']));
  assert.equal((await setVariables(app, variables(1000))).status, 422);
  assert.equal((await setVariables(app, variables(999))).status, 200);
  assert.equal((await setVariables(app, { LARGEST: null, REPLACEMENT: 'x' })).status, 200);
  assert.equal((await setVariables(app, { ONE_MORE: 'x' })).status, 422);
});

test('no value appears in the data directory or in the activity log', async () => {
  const app = await createApp();
  const value = 'a-very-particular-value-7c1f';
  await setVariables(app, { SECRET_VALUE: value });
  await setVariables(app, { SECRET_VALUE: `${value}-again` });
  for (const file of readdirSync(testServer.dataDirectory)) {
    assert.ok(!readFileSync(join(testServer.dataDirectory, file)).includes(value), file);
  }
  const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${app.id}&action=env.updated`);
  assert.ok(!log.text.includes(value));
  assert.deepEqual(
    log.body.data.map(({ detail, credential }) => [detail, credential?.name]),
    [
      [{ version: 2, set: ['SECRET_VALUE'], removed: [] }, 'Env pusher'],
      [{ version: 1, set: ['SECRET_VALUE'], removed: [] }, 'Env pusher'],
    ],
  );
});

test('an encrypted value that was copied to the row of another variable cannot be decrypted', async () => {
  const app = await createApp();
  await setVariables(app, { MINE: 'mine', THEIRS: 'theirs' });
  const statement = `update env_change set value_sealed =
      (select value_sealed from env_change where app_id = ? and name = 'MINE') where app_id = ? and name = 'THEIRS'`;
  await changeDatabase(testServer.dataDirectory, (database) => database.prepare(statement).run(app.id, app.id));
  assert.equal((await callWithToken(`/v1/apps/${app.id}/env`)).status, 500);
});

test('versions list the changed names and the actor, and an earlier version can be restored', async () => {
  const app = await createApp();
  await setVariables(app, { A: 'one', B: 'two' });
  await setVariables(app, { A: 'changed', B: null, C: 'three' });
  await setVariables(app, { A: 'changed' });
  const path = `/v1/apps/${app.id}/env/versions`;
  const versions = await callWithToken<Page<EnvVersion>>(path);
  assert.deepEqual(
    versions.body.data.map(({ version, set, removed, by }) => ({ version, set, removed, by: by.name })),
    [
      { version: 2, set: ['A', 'C'], removed: ['B'], by: 'Env pusher' },
      { version: 1, set: ['A', 'B'], removed: [], by: 'Env pusher' },
    ],
  );
  const restored = await callWithToken<Environment>(`${path}/1/restore`, { method: 'POST' });
  assert.equal(restored.status, 200, restored.text);
  assert.deepEqual(await readValues(app), { A: 'one', B: 'two' });
  const [newest] = (await callWithToken<Page<EnvVersion>>(`${path}?limit=1`)).body.data;
  assert.deepEqual([newest?.version, newest?.restoredFrom], [3, 1]);
  assert.equal((await callWithToken(`${path}/2/restore`, { method: 'POST' })).status, 200);
  assert.deepEqual(await readValues(app), { A: 'changed', C: 'three' });
  assert.equal((await callWithToken(`${path}/9/restore`, { method: 'POST' })).status, 404);
});

test('two hundred versions are kept, and pruning older ones removes no current value', async () => {
  const app = await createApp();
  await setVariables(app, { KEPT: 'from the first version' });
  for (let index = 0; index < 201; index++) await setVariables(app, { COUNT: String(index) });
  assert.deepEqual(await readValues(app), { COUNT: '200', KEPT: 'from the first version' });
  const path = `/v1/apps/${app.id}/env/versions`;
  assert.equal((await callWithToken<Page<EnvVersion>>(`${path}?limit=200`)).body.data.at(-1)?.version, 3);
  assert.equal((await callWithToken(`${path}/2/restore`, { method: 'POST' })).status, 404);
  assert.equal((await callWithToken(`${path}/3/restore`, { method: 'POST' })).status, 200);
  assert.deepEqual(await readValues(app), { COUNT: '1', KEPT: 'from the first version' });
});

test('a stale ETag is refused', async () => {
  const app = await createApp();
  await setVariables(app, { A: 'one' });
  const path = `/v1/apps/${app.id}/env`;
  const etag = (await callWithToken(path)).headers.get('etag') ?? '';
  const edit = (value: string) =>
    callWithToken(path, { method: 'PATCH', body: { values: { A: value } }, headers: { 'if-match': etag } });
  assert.equal((await edit('two')).status, 200);
  assert.equal((await edit('three')).status, 409);
  assert.deepEqual(await readValues(app), { A: 'two' });
});

test('showing values to a person is recorded with the names of the variables; listing hidden values is not', async () => {
  const app = await createApp();
  await setVariables(app, { A: 'one', B: 'two' });
  const path = `/v1/apps/${app.id}/env`;
  const hidden = await member.call<Environment>(`${path}?values=hidden`);
  assert.deepEqual(
    hidden.body.data.map(({ name, value }) => [name, value]),
    [
      ['A', null],
      ['B', null],
    ],
  );
  const listReadEvents = async () =>
    (await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${app.id}&action=env.revealed`)).body.data;
  assert.deepEqual(await listReadEvents(), []);
  const admin = await signUpMember(testServer, owner, 'admin', 'ali@example.com');
  const filtered = await admin.call<Environment>(`${path}?name=B`);
  assert.equal(filtered.body.data[0]?.value, 'two');
  const shown = await owner.call<Environment>(path);
  assert.equal(shown.body.data.length, 2);
  assert.deepEqual(
    (await listReadEvents()).map(({ detail }) => detail),
    [{ names: ['A', 'B'] }, { names: ['B'] }],
  );
  const edited = await owner.call<Environment>(path, { method: 'PATCH', body: { values: { A: 'mine' } } });
  assert.deepEqual(
    edited.body.data.map(({ value }) => value),
    ['mine', null],
  );
});

test('a member sees names but never values, with any query', async () => {
  const app = await createApp();
  const values = { DATABASE_URL: 'postgres://shop:hunter2hunter2@db', EMPTY: '' };
  await setVariables(app, values);
  const path = `/v1/apps/${app.id}/env`;
  for (const query of ['', '?format=json', '?values=hidden', '?name=DATABASE_URL']) {
    const read = await member.call<Environment>(path + query);
    assert.equal(read.status, 200, query);
    assert.ok(read.body.data.length > 0 && read.body.data.every(({ value }) => value === null), query);
  }
  for (const query of ['?values=shown', '?format=dotenv', '?format=dotenv&values=hidden', '?values=shown&name=EMPTY']) {
    const refused = await member.call<{ code: string }>(path + query);
    assert.deepEqual([refused.status, refused.body.code], [403, 'forbidden'], query);
    assert.ok(!refused.text.includes('hunter2'), query);
  }
  const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${app.id}&action=env.revealed`);
  assert.deepEqual(log.body.data, []);
  const denied = await owner.call<Page<AuditEvent>>('/v1/audit-events?action=person.denied');
  assert.equal(denied.body.data[0]?.actor.name, 'mia');
});

test('only the scopes modify_env and all grant access, API keys and members change nothing, and other workspaces find nothing', async () => {
  const app = await createApp();
  const path = `/v1/apps/${app.id}/env`;
  for (const scope of SCOPES) {
    const { secret } = await createToken(owner, [scope]);
    const read = await testServer.call(path, { headers: bearer(secret) });
    const isAllowed = scope === 'modify_env' || scope === 'all';
    assert.equal(read.status, isAllowed ? 200 : 403, scope);
    const written = await testServer.call(`${path}/A`, {
      method: 'PUT',
      body: { value: 'x' },
      headers: bearer(secret),
    });
    assert.equal(written.status, isAllowed ? 200 : 403, scope);
  }
  const key = await createKey(owner, ['read', 'write', 'delete', 'manage_apps']);
  const refused = await testServer.call<{ code: string }>(path, { headers: bearer(key.secret) });
  assert.deepEqual([refused.status, refused.body.code], [403, 'wrong_credential_kind']);
  assert.equal((await member.call(path, { method: 'PATCH', body: { values: { A: 'x' } } })).status, 403);
  const ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Neighbor');
  const tokenOfOtherWorkspace = await createToken(ownerInOtherWorkspace, ['all']);
  for (const [method, subpath, body] of [
    ['GET', '', undefined],
    ['PATCH', '', { values: { A: 'stolen' } }],
    ['PUT', '/A', { value: 'stolen' }],
    ['DELETE', '/A', undefined],
    ['GET', '/versions', undefined],
    ['POST', '/versions/1/restore', undefined],
  ] as const) {
    const response = await testServer.call(path + subpath, {
      method,
      headers: bearer(tokenOfOtherWorkspace.secret),
      ...(body !== undefined && { body }),
    });
    assert.equal(response.status, 404, `${method} ${subpath}`);
  }
});
