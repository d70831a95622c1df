import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { ActivityEvent } from '../contract/activity.ts';
import type { ErrorIssue } from '../contract/errors.ts';
import type { Page } from '../contract/paging.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

const RUNS = 60;
const LAST = '9999-12-31T23:59:59.999Z';
const ODD = ['\0', '\ud800', '🗝', '\u202e', '</script>', '__proto__', 'x'.repeat(5_000)] as const;

/** JSON of every type, with text that some stores cannot hold and numbers at the limits of their ranges. */
const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom(...ODD));
const anyNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(-1, 0, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e15, 1e308, Number.MAX_SAFE_INTEGER),
);
const { any } = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    anyText,
    anyNumber,
    fc.constantFrom(null, true, false, LAST, '+058857-01-01T00:00:00.000Z', '0001-01-01T00:00:00Z'),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(anyText, tie('any'), { maxKeys: 4 }),
  ),
}));

forEachEngine('what is accepted can be read again', (engine) => {
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

  test('any value a Sentry SDK sends in any field', async () => {
    const key = await owner.call<{ publicKey: string }>('/v1/errors/keys', { body: { name: 'Clients' } });
    const auth = { 'x-sentry-auth': `Sentry sentry_version=7, sentry_key=${key.body.publicKey}` };
    const field = <Name extends string>(...names: Name[]) =>
      fc.record(Object.fromEntries(names.map((name) => [name, any])) as Record<Name, typeof any>, { requiredKeys: [] });
    const frame = field('function', 'filename', 'abs_path', 'module', 'lineno', 'in_app');
    const exception = fc.record({
      type: any,
      value: any,
      stacktrace: fc.oneof(any, fc.record({ frames: fc.array(frame, { maxLength: 3 }) })),
    });
    const event = fc
      .tuple(
        field(
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
        fc.option(fc.array(field('timestamp', 'category', 'level', 'message'), { maxLength: 3 })),
        fc.option(fc.dictionary(anyText, any, { maxKeys: 3 })),
      )
      .map(([facts, values, breadcrumbs, tags]) => ({
        ...facts,
        ...(values !== null && { exception: { values } }),
        ...(breadcrumbs !== null && { breadcrumbs }),
        ...(tags !== null && { tags }),
      }));
    await fc.assert(
      fc.asyncProperty(event, async (original) => {
        const body = `{}\n{"type":"event"}\n${JSON.stringify(original)}\n`;
        const sent = await testServer.call('/api/1/envelope/', { method: 'POST', headers: auth, body });
        assert.ok([200, 400, 422].includes(sent.status), sent.text);
      }),
      { numRuns: RUNS },
    );
    const issues = await read<Page<ErrorIssue>>('/v1/errors/issues?limit=200');
    assert.ok(issues.data.length > 10);
    for (const { id } of issues.data) {
      await read(`/v1/errors/issues/${id}`);
      await read(`/v1/errors/issues/${id}/events`);
    }
  });

  test('any data of an activity event is returned unchanged', async () => {
    let count = 0;
    const sent = new Map<string, unknown>();
    await fc.assert(
      fc.asyncProperty(any, anyText, async (data, subject) => {
        const id = `event-${count++}`;
        const body = { specversion: '1.0', id, source: 'test', type: 'test', subject, data };
        const response = await testServer.call('/v1/activity/events', { headers, body });
        assert.ok([201, 400, 422].includes(response.status), response.text);
        if (response.status === 201) sent.set(id, JSON.parse(JSON.stringify(data)) as unknown);
      }),
      { numRuns: RUNS },
    );
    assert.ok(sent.size > 5);
    const { data } = await read<Page<ActivityEvent>>('/v1/activity/events?limit=200');
    for (const event of data) assert.deepEqual(event.data, sent.get(event.id), event.id);
    await read('/v1/activity/analytics?groupBy=subject');
    const csv = await owner.call('/v1/activity/events', { headers: { accept: 'text/csv' } });
    assert.equal(csv.status, 200);
  });

  test('every resource at the limits of its ranges, in lists and individually', async () => {
    const create = async (path: string, body: object): Promise<string> => {
      const response = await owner.call<{ id: string }>(path, { body });
      assert.ok([201, 422].includes(response.status), `${path}: ${response.text}`);
      return response.status === 201 ? response.body.id : '';
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
    await create('/v1/api-keys', { name, permissions: ['read'], description: '🗝'.repeat(1_000), expiresAt: LAST });
    await create('/v1/access-tokens', { name, scopes: ['all'], expiresAt: LAST });
    const value = '🗝\n"\'\\$`\t'.repeat(5_000);
    const set = await owner.call(`/v1/apps/${appId}/env`, {
      method: 'PATCH',
      body: { values: { ODD: value, EMPTY: '' } },
    });
    assert.equal(set.status, 200, set.text.slice(0, 300));
    for (const list of ['projects', 'servers', 'apps', 'scripts', 'api-keys', 'access-tokens', 'audit-events']) {
      await read(`/v1/${list}`);
    }
    for (const path of [`projects/${projectId}`, `servers/${serverId}`, `apps/${appId}`, `scripts/${scriptId}`]) {
      await read(`/v1/${path}`);
    }
    const environment = await read<{ data: { name: string; value: string }[] }>(`/v1/apps/${appId}/env`);
    assert.equal(environment.data.find((variable) => variable.name === 'ODD')?.value, value);
    await read(`/v1/apps/${appId}/env?format=dotenv`);
  });
});
