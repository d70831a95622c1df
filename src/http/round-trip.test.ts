import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { ActivityEvent } from '../contract/activity.ts';
import type { ErrorIssue } from '../contract/errors.ts';
import type { Page } from '../contract/paging.ts';
import { forEachEngine } from '../testing/engines.ts';
import { createErrorKey, sentryAuth } from '../testing/error-keys.ts';
import {
  bearer,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

const RUNS_PER_PROPERTY = 60;
const LATEST_INSTANT = '9999-12-31T23:59:59.999Z';
const UNUSUAL_TEXTS = ['\0', '\ud800', '🗝', '\u202e', '</script>', '__proto__', 'x'.repeat(5_000)] as const;

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom(...UNUSUAL_TEXTS));
const anyNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(-1, 0, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e15, 1e308, Number.MAX_SAFE_INTEGER),
);
/** JSON of every type, with text that some databases cannot store and numbers at the limits of their ranges. */
const { anyJson } = fc.letrec((tie) => ({
  anyJson: fc.oneof(
    { maxDepth: 4 },
    anyText,
    anyNumber,
    fc.constantFrom(null, true, false, LATEST_INSTANT, '+058857-01-01T00:00:00.000Z', '0001-01-01T00:00:00Z'),
    fc.array(tie('anyJson'), { maxLength: 4 }),
    fc.dictionary(anyText, tie('anyJson'), { maxKeys: 4 }),
  ),
}));

forEachEngine('accepted values can be read', (engine) => {
  let testServer: TestServer;
  let owner: TestPerson;
  let headers: Record<string, string>;
  before(async () => {
    testServer = await startTestServer({ environment: await engine.environment() });
    owner = await signUpOwner(testServer);
    headers = bearer((await createToken(owner, ['all'])).secret);
  });
  after(() => testServer.close());

  async function read<Body>(path: string): Promise<Body> {
    const response = await owner.call<Body>(path);
    assert.equal(response.status, 200, `${path}: ${response.text.slice(0, 500)}`);
    return response.body;
  }

  test('error issues can be read, whatever values a Sentry SDK sends', async () => {
    const sentryHeaders = sentryAuth((await createErrorKey(owner)).publicKey);
    const optionalFields = <Name extends string>(...names: Name[]) =>
      fc.record(Object.fromEntries(names.map((name) => [name, anyJson])) as Record<Name, typeof anyJson>, {
        requiredKeys: [],
      });
    const frame = optionalFields('function', 'filename', 'abs_path', 'module', 'lineno', 'in_app');
    const exception = fc.record({
      type: anyJson,
      value: anyJson,
      stacktrace: fc.oneof(anyJson, fc.record({ frames: fc.array(frame, { maxLength: 3 }) })),
    });
    const event = fc
      .tuple(
        optionalFields(
          'timestamp',
          'level',
          'release',
          'environment',
          'fingerprint',
          'tags',
          'message',
          'logentry',
          'breadcrumbs',
        ),
        fc.option(fc.array(exception, { maxLength: 2 })),
        fc.option(fc.array(optionalFields('timestamp', 'category', 'level', 'message'), { maxLength: 3 })),
        fc.option(fc.dictionary(anyText, anyJson, { maxKeys: 3 })),
      )
      .map(([fields, values, breadcrumbs, tags]) => ({
        ...fields,
        ...(values !== null && { exception: { values } }),
        ...(breadcrumbs !== null && { breadcrumbs }),
        ...(tags !== null && { tags }),
      }));
    await fc.assert(
      fc.asyncProperty(event, async (original) => {
        const body = `{}\n{"type":"event"}\n${JSON.stringify(original)}\n`;
        const response = await testServer.call('/api/1/envelope/', { method: 'POST', headers: sentryHeaders, body });
        assert.ok([200, 400, 422].includes(response.status), response.text);
      }),
      { numRuns: RUNS_PER_PROPERTY },
    );
    const issues = await read<Page<ErrorIssue>>('/v1/errors/issues?limit=200');
    assert.ok(issues.data.length > 10);
    for (const { id } of issues.data) {
      await read(`/v1/errors/issues/${id}`);
      await read(`/v1/errors/issues/${id}/events`);
    }
  });

  test('any accepted data of an activity event is returned unchanged', async () => {
    let count = 0;
    const sent = new Map<string, unknown>();
    await fc.assert(
      fc.asyncProperty(anyJson, anyText, async (data, subject) => {
        const id = `event-${count++}`;
        const body = { specversion: '1.0', id, source: 'test', type: 'test', subject, data };
        const response = await testServer.call('/v1/activity/events', { headers, body });
        assert.ok([201, 400, 422].includes(response.status), response.text);
        if (response.status === 201) sent.set(id, JSON.parse(JSON.stringify(data)) as unknown);
      }),
      { numRuns: RUNS_PER_PROPERTY },
    );
    assert.ok(sent.size > 5);
    const { data } = await read<Page<ActivityEvent>>('/v1/activity/events?limit=200');
    for (const event of data) assert.deepEqual(event.data, sent.get(event.id), event.id);
    await read('/v1/activity/analytics?groupBy=subject');
    const csv = await owner.call('/v1/activity/events', { headers: { accept: 'text/csv' } });
    assert.equal(csv.status, 200);
  });

  test('resources with values at their limits can be read, in lists and individually', async () => {
    const create = async (path: string, body: object): Promise<string> => {
      const response = await owner.call<{ id: string }>(path, { body });
      assert.equal(response.status, 201, `${path}: ${response.text}`);
      return response.body.id;
    };
    const name = '🗝'.repeat(255);
    const projectId = await create('/v1/projects', { name, description: '\t🗝\r\n'.repeat(200), slug: 'p'.repeat(63) });
    const host = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
    const serverId = await create('/v1/servers', { name, kind: 'ssh', host, port: 65_535, user: 'deploy' });
    const hook = (index: number) => ({
      name: `hook ${index}`,
      stage: 'post_setup',
      run: '🗝'.repeat(2_000),
      timeoutSeconds: 86_400,
    });
    const hooks = Array.from({ length: 50 }, (_, index) => hook(index));
    const app = { name, projectId, keepReleases: 100, hooks, branch: 'b'.repeat(255), logCommand: 'x'.repeat(8_192) };
    const appId = await create('/v1/apps', app);
    const parameters = Array.from({ length: 50 }, (_, index) => ({
      name: `P${index}`,
      pattern: null,
      default: '🗝'.repeat(1_000),
    }));
    const script = {
      name,
      serverId,
      body: '🗝\n'.repeat(10_000),
      timeoutSeconds: 3_600,
      parameters,
      schedule: '0 0 29 2 *',
    };
    const scriptId = await create('/v1/scripts', script);
    await create('/v1/api-keys', {
      name,
      permissions: ['read'],
      description: '🗝'.repeat(1_000),
      expiresAt: LATEST_INSTANT,
    });
    await create('/v1/access-tokens', { name, scopes: ['all'], expiresAt: LATEST_INSTANT });
    const value = '🗝\n"\'\\$`\t'.repeat(5_000);
    const updated = await owner.call(`/v1/apps/${appId}/env`, {
      method: 'PATCH',
      body: { values: { UNUSUAL: value, EMPTY: '' } },
    });
    assert.equal(updated.status, 200, updated.text.slice(0, 300));
    for (const list of ['projects', 'servers', 'apps', 'scripts', 'api-keys', 'access-tokens', 'audit-events']) {
      await read(`/v1/${list}`);
    }
    for (const path of [`projects/${projectId}`, `servers/${serverId}`, `apps/${appId}`, `scripts/${scriptId}`]) {
      await read(`/v1/${path}`);
    }
    const environment = await read<{ data: { name: string; value: string }[] }>(`/v1/apps/${appId}/env`);
    assert.equal(environment.data.find((variable) => variable.name === 'UNUSUAL')?.value, value);
    await read(`/v1/apps/${appId}/env?format=dotenv`);
  });
});
