import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { Page } from '../contract/paging.ts';
import type { ProblemBody } from '../contract/problem-body.ts';
import { isParameterName, type Script, type ScriptVersion } from '../contract/scripts.ts';
import type { Server } from '../contract/servers.ts';
import type { Permission } from '../contract/vocabulary.ts';
import { forEachEngine } from '../testing/engines.ts';
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

forEachEngine('scripts', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let member: TestPerson;
  let ownerInOtherWorkspace: TestPerson;
  let server: Server;
  before(async () => {
    testServer = await startTestServer({ environment: await engine.environment() });
    owner = await signUpOwner(testServer);
    member = await signUpMember(testServer, owner, 'member', 'mia@example.com');
    ownerInOtherWorkspace = await createWorkspaceFor(owner, testServer, 'Neighbor');
    const body = { name: 'Web one', kind: 'ssh', host: '127.0.0.1', port: 1, user: 'deploy' };
    server = (await owner.call<Server>('/v1/servers', { body })).body;
  });
  after(() => testServer.close());

  const scriptFields = (overrides: object = {}) => ({
    name: 'Greet',
    body: 'echo hello\n',
    serverId: server.id,
    ...overrides,
  });
  async function createScript(overrides: object = {}): Promise<Script> {
    const response = await owner.call<Script>('/v1/scripts', { body: scriptFields(overrides) });
    assert.equal(response.status, 201, response.text);
    return response.body;
  }
  const edit = (script: Script, body: object) =>
    owner.call<Script & ProblemBody>(`/v1/scripts/${script.id}`, { method: 'PATCH', body });

  test('a #! line sets the interpreter of a new script; an edit that makes the two contradict each other is refused with the reason', async () => {
    const python = await createScript({ name: 'Python', body: '#!/usr/bin/env python3\r\nprint(1)\r\n' });
    assert.equal(python.interpreter, '/usr/bin/env python3');
    assert.equal((await edit(python, { body: '#!/usr/bin/python3\nprint(2)' })).status, 200);
    for (const [body, field] of [
      [{ body: '#!/usr/bin/env ruby\nputs 1' }, 'body'],
      [{ interpreter: '/bin/sh' }, 'interpreter'],
      [{ body: '#!/bin/sh -e\ntrue', interpreter: '/bin/sh' }, 'body'],
    ] as const) {
      const refused = await edit(python, body);
      assert.deepEqual([refused.status, refused.body.errors?.[0]?.field], [422, field]);
      assert.match(
        refused.body.errors?.[0]?.message ?? '',
        /^does not match: the first line is #!.*but the interpreter is/,
      );
    }
    assert.equal((await edit(python, { name: 'Still python' })).status, 200);
  });

  test('a script is created with the default values, read by ID and slug, edited and deleted', async () => {
    const script = await createScript({ name: 'Clear the cache' });
    assert.match(script.id, /^scr_/);
    const { id, createdAt, updatedAt, ...fields } = script;
    assert.deepEqual(fields, {
      name: 'Clear the cache',
      slug: 'clear-the-cache',
      description: null,
      appId: null,
      body: 'echo hello\n',
      interpreter: '/bin/sh',
      serverId: server.id,
      runAs: null,
      timeoutSeconds: 600,
      parameters: [],
      schedule: null,
      timeZone: 'UTC',
      overlap: 'skip',
      keepRuns: 1000,
      nextRunAt: null,
      version: 1,
    });
    assert.equal(createdAt, updatedAt);
    assert.deepEqual((await member.call<Script>('/v1/scripts/clear-the-cache')).body, script);
    const expected = {
      name: 'Clear it all',
      description: 'All of it\nevery night',
      body: 'print(1)\n',
      interpreter: '/usr/bin/env python3',
      serverId: server.slug,
      runAs: 'www-data',
      timeoutSeconds: 3600,
      parameters: [{ name: 'DAYS', pattern: '\\d+', default: '7' }],
      schedule: '30 3 * * 1-5',
    };
    const edited = await edit(script, expected);
    assert.equal(edited.status, 200, edited.text);
    for (const [field, value] of Object.entries({ ...expected, serverId: server.id, slug: script.slug, version: 2 })) {
      assert.deepEqual(edited.body[field as keyof Script], value, field);
    }
    assert.match(edited.body.nextRunAt ?? '', /T03:30:00\.000Z$/);
    const listed = await member.call<Page<Script>>(`/v1/scripts?server=${server.slug}&q=clear&sort=name`);
    assert.deepEqual(listed.body.data, [edited.body]);
    assert.equal((await owner.call(`/v1/scripts/${id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await owner.call(`/v1/scripts/${id}`)).status, 404);
  });

  test('a script can belong to an app of its workspace, and remains when the app is deleted', async () => {
    const createApp = async (person: TestPerson, name: string) => {
      const { id: projectId } = (await person.call<{ id: string }>('/v1/projects', { body: { name } })).body;
      return (await person.call<{ id: string; slug: string }>('/v1/apps', { body: { name, projectId } })).body;
    };
    const app = await createApp(owner, 'Shop');
    const appOfOtherWorkspace = await createApp(ownerInOtherWorkspace, 'Neighbor app');
    const script = await createScript({ name: 'Of the shop', appId: app.slug });
    assert.equal(script.appId, app.id);
    const listed = await member.call<Page<Script>>(`/v1/scripts?app=${app.slug}`);
    assert.deepEqual(listed.body.data, [script]);
    for (const appId of [appOfOtherWorkspace.id, appOfOtherWorkspace.slug, 'none', '']) {
      const refused = await edit(script, { appId });
      assert.deepEqual([refused.status, refused.body.errors?.[0]?.field], [422, 'appId'], appId);
    }
    assert.equal((await owner.call(`/v1/scripts?app=${appOfOtherWorkspace.id}`)).status, 404);
    const withoutApp = await edit(script, { appId: null });
    assert.deepEqual([withoutApp.body.appId, withoutApp.body.version], [null, 1]);
    assert.equal((await edit(script, { appId: app.id })).body.appId, app.id);
    assert.equal((await owner.call(`/v1/apps/${app.id}`, { method: 'DELETE' })).status, 204);
    assert.equal((await owner.call<Script>(`/v1/scripts/${script.id}`)).body.appId, null);
  });

  test('a change to what or how a script runs creates a version; a change to its name or schedule does not', async () => {
    const script = await createScript();
    assert.equal((await edit(script, { name: 'Greet all', description: 'x', schedule: '@daily' })).body.version, 1);
    assert.equal((await edit(script, { body: 'echo there\n' })).body.version, 2);
    assert.equal((await edit(script, { timeoutSeconds: 5 })).body.version, 3);
    const latest = await owner.call<Script>(`/v1/scripts/${script.id}`);
    assert.deepEqual((await edit(script, { timeoutSeconds: 5 })).body, latest.body);
    const { body } = await member.call<Page<ScriptVersion>>(`/v1/scripts/${script.id}/versions`);
    assert.deepEqual(
      body.data.map((version) => [version.version, version.body, version.timeoutSeconds, version.by.kind]),
      [
        [3, 'echo there\n', 5, 'person'],
        [2, 'echo there\n', 600, 'person'],
        [1, 'echo hello\n', 600, 'person'],
      ],
    );
    const firstPage = await member.call<Page<ScriptVersion>>(`/v1/scripts/${script.id}/versions?limit=2`);
    const secondPage = await member.call<Page<ScriptVersion>>(
      `/v1/scripts/${script.id}/versions?limit=2&cursor=${firstPage.body.nextCursor}`,
    );
    assert.deepEqual([...firstPage.body.data, ...secondPage.body.data], body.data);
  });

  test('an invalid script is refused with the name of the field', async () => {
    const invalid: [overrides: object, field: string][] = [
      [{ name: 'ab' }, 'name'],
      [{ description: 'x'.repeat(501) }, 'description'],
      [{ body: '' }, 'body'],
      [{ body: ' \n' }, 'body'],
      [{ body: 'a\0b' }, 'body'],
      [{ body: 'x'.repeat(131_073) }, 'body'],
      [{ interpreter: 'sh' }, 'interpreter'],
      [{ interpreter: '/bin/sh -c $(id)' }, 'interpreter'],
      [{ interpreter: '/bin/sh\n' }, 'interpreter'],
      [{ serverId: 'nothing' }, 'serverId'],
      [{ serverId: undefined }, 'serverId'],
      [{ runAs: '-u' }, 'runAs'],
      [{ runAs: 'a b' }, 'runAs'],
      [{ timeoutSeconds: 0 }, 'timeoutSeconds'],
      [{ timeoutSeconds: 3601 }, 'timeoutSeconds'],
      [{ timeoutSeconds: 1.5 }, 'timeoutSeconds'],
      [{ schedule: 'every day' }, 'schedule'],
      [{ schedule: '* * * * * *' }, 'schedule'],
      [{ schedule: '61 * * * *' }, 'schedule'],
      [{ schedule: '@reboot' }, 'schedule'],
      [{ schedule: '0 0 30 2 *' }, 'schedule'],
      [{ timeZone: '+02:00' }, 'timeZone'],
      [{ timeZone: 'Europe/Atlantis' }, 'timeZone'],
      [{ overlap: 'never' }, 'overlap'],
      [{ schedule: '@daily', parameters: [{ name: 'A' }] }, 'schedule'],
      [{ parameters: [{ name: 'A' }, { name: 'A' }] }, 'parameters'],
      [{ parameters: [{ name: '1A' }] }, 'parameters.0.name'],
      [{ parameters: [{ name: '__proto__' }] }, 'parameters.0.name'],
      [{ parameters: [{ name: 'PATH' }] }, 'parameters.0.name'],
      [{ parameters: [{ name: 'LD_PRELOAD' }] }, 'parameters.0.name'],
      [{ parameters: [{ name: 'BASH_ENV' }] }, 'parameters.0.name'],
      [{ parameters: [{ name: 'A', pattern: '(' }] }, 'parameters.0.pattern'],
      [{ parameters: [{ name: 'A', pattern: 'x'.repeat(501) }] }, 'parameters.0.pattern'],
      [{ parameters: [{ name: 'A', pattern: '\\d+', default: 'x' }] }, 'parameters.0.default'],
      [{ parameters: [{ name: 'A', default: 'a\0' }] }, 'parameters.0.default'],
      [{ parameters: [{ name: 'A', value: 'x' }] }, 'parameters.0.value'],
      [{ workspaceId: 'wsp_x' }, 'workspaceId'],
    ];
    for (const [overrides, field] of invalid) {
      const response = await owner.call<ProblemBody>('/v1/scripts', { body: scriptFields(overrides) });
      assert.equal(response.status, 422, `${JSON.stringify(overrides).slice(0, 80)}: ${response.text}`);
      assert.equal(response.body.errors?.[0]?.field, field, response.text);
    }
  });

  test('a pattern with catastrophic backtracking is refused without blocking other requests', async () => {
    const parameters = [{ name: 'A', pattern: '(a+)+b', default: 'a'.repeat(5000) }];
    let isFinished = false;
    const slow = owner.call<ProblemBody>('/v1/scripts', { body: scriptFields({ parameters }) }).finally(() => {
      isFinished = true;
    });
    assert.equal((await testServer.call('/healthz')).status, 200);
    assert.equal(isFinished, false);
    assert.equal((await slow).status, 422);
    assert.equal((await slow).body.errors?.[0]?.field, 'parameters');
  });

  test('keys need the permission of each operation; members, and tokens with run_scripts, can read but not change scripts', async () => {
    const script = await createScript();
    const path = `/v1/scripts/${script.id}`;
    const requests: [method: string, path: string, allowed: Permission[]][] = [
      ['GET', '/v1/scripts', ['read']],
      ['GET', path, ['read']],
      ['GET', `${path}/versions`, ['read']],
      ['POST', '/v1/scripts', ['write']],
      ['PATCH', path, ['write']],
      ['DELETE', path, ['delete']],
    ];
    const token = await createToken(owner, ['run_scripts']);
    // The key with `delete` deletes the script, so it is the last one.
    for (const permission of ['read', 'write', 'manage_servers', 'deploy', 'delete'] as const) {
      const { secret } = await createKey(owner, [permission]);
      for (const [method, url, allowed] of requests) {
        const bodies: Readonly<Record<string, object>> = {
          POST: scriptFields(),
          PATCH: { description: permission },
        };
        const body = bodies[method];
        const response = await testServer.call(url, { method, headers: bearer(secret), ...(body && { body }) });
        if (allowed.includes(permission))
          assert.ok(response.status < 300, `${permission} ${method} ${url} ${response.text}`);
        else assert.equal(response.status, 403, `${permission} ${method} ${url}`);
      }
    }
    const secondScript = await createScript();
    for (const [method, url] of requests) {
      const target = url.replace(script.id, secondScript.id);
      const body = method === 'POST' || method === 'PATCH' ? scriptFields() : undefined;
      const byToken = await testServer.call(target, { method, headers: bearer(token.secret), ...(body && { body }) });
      assert.equal(byToken.status, method === 'GET' ? 200 : 403, `token ${method} ${target}`);
      const byMember = await member.call(target, { method, ...(body && { body }) });
      assert.equal(byMember.status, method === 'GET' ? 200 : 403, `member ${method} ${target}`);
      const byOtherWorkspace = await ownerInOtherWorkspace.call(target, { method, ...(body && { body }) });
      if (target !== '/v1/scripts') assert.equal(byOtherWorkspace.status, 404, `other workspace: ${method} ${target}`);
    }
    const inOtherWorkspace = await ownerInOtherWorkspace.call<ProblemBody>('/v1/scripts', { body: scriptFields() });
    assert.equal(inOtherWorkspace.body.errors?.[0]?.field, 'serverId', 'a server of another workspace is not found');
  });

  test('an edit with a stale If-Match is refused', async () => {
    const script = await createScript({ schedule: '@daily' });
    const read = await owner.call(`/v1/scripts/${script.id}`);
    const ifMatch = { 'if-match': read.headers.get('etag') ?? '' };
    const editRequest = { method: 'PATCH', body: { description: 'one' }, headers: ifMatch };
    assert.equal((await owner.call(`/v1/scripts/${script.id}`, editRequest)).status, 200);
    assert.equal((await owner.call(`/v1/scripts/${script.id}`, editRequest)).status, 409);
  });

  test('a server that a script uses cannot be deleted, and the activity log contains only the hash of a body', async () => {
    const script = await createScript({ body: 'echo a-body-with-words\n' });
    const refused = await owner.call<ProblemBody>(`/v1/servers/${server.id}`, { method: 'DELETE' });
    assert.equal(refused.status, 409);
    assert.match(refused.body.detail, /is used by the scripts: /);
    await edit(script, { body: 'echo other-words\n' });
    const log = await owner.call<Page<AuditEvent>>(`/v1/audit-events?target=${script.id}`);
    assert.deepEqual(
      log.body.data.map(({ action }) => action),
      ['script.updated', 'script.created'],
    );
    assert.match(JSON.stringify(log.body.data[0]?.detail), /"body":"sha256:[0-9a-f]{64}"/);
    assert.doesNotMatch(log.text, /a-body-with-words|other-words/);
  });

  test('fuzz: any script, edit or run is accepted or refused with 422', async () => {
    const script = await createScript();
    const withPattern = await createScript({ parameters: [{ name: 'A', pattern: '[0-9]{64}' }] });
    const text = fc.string({ unit: 'binary', maxLength: 30 });
    const validOrAny = <T>(valid: T) =>
      fc.oneof(fc.constant(valid), text, fc.jsonValue({ maxDepth: 2 }), fc.constant(undefined));
    const cronField = fc.stringMatching(/^[0-9*,/?#LW-]{1,6}$/);
    const schedule = fc.oneof(
      fc.tuple(cronField, cronField, cronField, cronField, cronField).map((cronFields) => cronFields.join(' ')),
      text,
    );
    const parameter = fc.record({ name: validOrAny('A'), pattern: validOrAny('a+'), default: validOrAny('aa') });
    const input = fc.record({
      name: validOrAny('Fuzzed'),
      body: validOrAny('true'),
      serverId: validOrAny(server.id),
      interpreter: validOrAny('/bin/sh'),
      runAs: validOrAny('deploy'),
      timeoutSeconds: validOrAny(5),
      description: validOrAny(null),
      parameters: fc.oneof(fc.array(parameter, { maxLength: 3 }), fc.jsonValue({ maxDepth: 2 })),
      schedule: fc.oneof(schedule, fc.constant(null)),
    });
    await fc.assert(
      fc.asyncProperty(input, fc.dictionary(text, fc.jsonValue({ maxDepth: 1 })), async (body, parameters) => {
        const responses = [
          await owner.call<ProblemBody>('/v1/scripts', { body }),
          await owner.call<ProblemBody>(`/v1/scripts/${script.id}`, { method: 'PATCH', body }),
          await owner.call<ProblemBody>(`/v1/scripts/${withPattern.id}/runs`, { body: { parameters } }),
        ];
        for (const { status, text: responseText } of responses) {
          assert.ok([200, 201, 202, 422].includes(status), `${status} ${responseText}`);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('a repeated request with the same Idempotency-Key creates one script', async () => {
    const headers = { 'idempotency-key': 'script-once' };
    const first = await owner.call<Script>('/v1/scripts', { body: scriptFields(), headers });
    const replayed = await owner.call<{ id: string; code: string }>('/v1/scripts', { body: scriptFields(), headers });
    assert.deepEqual(
      [replayed.status, replayed.body.code, replayed.body.id],
      [409, 'idempotent_replay', first.body.id],
    );
  });
});

test('no name that controls the loader, the shell or an interpreter can be a parameter', () => {
  for (const name of [
    'PATH',
    'IFS',
    'ENV',
    'LD_LIBRARY_PATH',
    'LD_AUDIT',
    'BASH_FUNC_x',
    'NODE_OPTIONS',
    'PYTHONPATH',
    'PERL5OPT',
    'RUBYOPT',
    'GIT_SSH_COMMAND',
    'ld_preload',
    'DEVPILOT_X',
    'PS4',
    'TMPDIR',
  ]) {
    assert.equal(isParameterName(name), false, name);
  }
  for (const name of ['NAME', 'branch', '_x', 'PATHS', 'MY_PATH', 'ENVIRONMENT', 'A1']) {
    assert.equal(isParameterName(name), true, name);
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      if (isParameterName(text)) assert.match(text, /^[A-Za-z_][A-Za-z0-9_]{0,63}$/);
    }),
  );
});
