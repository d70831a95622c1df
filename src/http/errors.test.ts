import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { ErrorEvent, ErrorIssue, ErrorIssueDetail } from '../contract/errors.ts';
import { MINUTE } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import { SCOPES } from '../contract/vocabulary.ts';
import { ensurePythonSentrySdk } from '../testing/debian-packages.ts';
import { forEachEngine } from '../testing/engines.ts';
import { createErrorKey } from '../testing/error-keys.ts';
import { installLocked } from '../testing/registry.ts';
import { runProgram } from '../testing/run-program.ts';
import {
  bearer,
  createToken,
  createWorkspaceFor,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestResponse,
  type TestServer,
} from '../testing/test-server.ts';

function envelopeOf(...items: readonly [type: string, payload: unknown][]): string {
  const lines = items.flatMap(([type, payload]) => [JSON.stringify({ type }), JSON.stringify(payload)]);
  return `${[JSON.stringify({ event_id: 'e'.repeat(32) }), ...lines].join('\n')}\n`;
}
const sentryEvent = (fields: object = {}) => ({
  event_id: 'e'.repeat(32),
  timestamp: Date.now() / 1000,
  level: 'error',
  exception: { values: [{ type: 'RangeError', value: 'out of reach' }] },
  ...fields,
});

forEachEngine('the error tracker', (engine) => {
  let now = Date.parse('2027-02-24T09:30:00.000Z');
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    testServer = await startTestServer({ clock: () => now, environment: await engine.environment() });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  /** Creates a workspace for one test, with a token that reports and reads errors. */
  async function createTracker() {
    const person = await createWorkspaceFor(owner, testServer, 'Watched');
    const token = await createToken(person, ['error_tracker'], { name: 'Reporter' });
    const headers = bearer(token.secret);
    const get = async <Body>(path: string): Promise<Body> => {
      const response = await testServer.call<Body>(path, { headers });
      assert.equal(response.status, 200, response.text);
      return response.body;
    };
    return {
      person,
      token,
      async report(fields: object = {}): Promise<string> {
        const body = { type: 'TypeError', message: 'order is undefined', ...fields };
        const response = await testServer.call<{ issueId: string }>('/v1/errors/events', { body, headers });
        assert.equal(response.status, 201, response.text);
        return response.body.issueId;
      },
      listIssues: async (query = '') => (await get<Page<ErrorIssue>>(`/v1/errors/issues${query}`)).data,
      readIssue: (id: string) => get<ErrorIssueDetail>(`/v1/errors/issues/${id}`),
      listEvents: async (id: string) => (await get<Page<ErrorEvent>>(`/v1/errors/issues/${id}/events?limit=200`)).data,
      setStatus: (id: string, status: string) =>
        testServer.call<ErrorIssue>(`/v1/errors/issues/${id}`, { method: 'PATCH', body: { status }, headers }),
    };
  }

  test('similar errors are grouped into one issue with counts, times, releases, environments and apps', async () => {
    const { report, listIssues, readIssue, listEvents } = await createTracker();
    const first = await report({ message: 'order 17 is gone', release: '1.0', environment: 'staging', app: 'shop' });
    now += MINUTE;
    const second = await report({
      message: 'order 18 is gone',
      release: '1.1',
      environment: 'production',
      app: 'shop',
    });
    const nullFields = {
      stack: null,
      level: null,
      release: null,
      environment: null,
      app: null,
      fingerprint: null,
      time: null,
    };
    const fatal = await report({ type: 'RangeError', ...nullFields, level: 'fatal' });
    assert.equal(second, first);
    assert.notEqual(fatal, first);
    const { days, releases, environments, apps, ...summary } = await readIssue(first);
    assert.deepEqual(summary, {
      id: first,
      title: 'TypeError: order 17 is gone',
      type: 'TypeError',
      status: 'open',
      level: 'error',
      count: 2,
      firstSeenAt: new Date(now - MINUTE).toISOString(),
      lastSeenAt: new Date(now).toISOString(),
      release: '1.1',
      environment: 'production',
      app: 'shop',
      resolvedInRelease: null,
    });
    assert.deepEqual(days, [{ day: '2027-02-24', count: 2 }]);
    assert.deepEqual(
      releases.map(({ value, count }) => [value, count]),
      [
        ['1.1', 1],
        ['1.0', 1],
      ],
    );
    assert.deepEqual(
      environments.map(({ value }) => value),
      ['production', 'staging'],
    );
    assert.deepEqual(
      apps.map(({ value, count }) => [value, count]),
      [['shop', 2]],
    );
    assert.deepEqual(
      (await listEvents(first)).map(({ message }) => message),
      ['order 18 is gone', 'order 17 is gone'],
    );
    assert.equal((await listIssues()).length, 2);
    assert.deepEqual(
      (await listIssues('?level=fatal')).map(({ id }) => id),
      [fatal],
    );
    assert.deepEqual(
      (await listIssues('?release=1.0')).map(({ id }) => id),
      [first],
    );
    assert.deepEqual(
      (await listIssues('?q=ORDER 17')).map(({ id }) => id),
      [first],
    );
    assert.deepEqual(
      (await listIssues('?sort=-count')).map(({ count }) => count),
      [2, 1],
    );
  });

  test('a resolved issue reopens when the error recurs, but not for occurrences before it was resolved', async () => {
    const { report, readIssue, setStatus, person, token } = await createTracker();
    const id = await report();
    now += MINUTE;
    assert.equal((await setStatus(id, 'resolved')).body.status, 'resolved');
    await report({ time: new Date(now - 1).toISOString() });
    assert.equal((await readIssue(id)).status, 'resolved');
    now += MINUTE;
    await report({ release: '2.0' });
    assert.equal((await readIssue(id)).status, 'open');
    assert.equal((await readIssue(id)).count, 3);
    assert.equal((await setStatus(id, 'resolved')).status, 200);
    assert.equal((await setStatus(id, 'open')).body.status, 'open');
    assert.equal((await setStatus(id, 'closed')).status, 422);
    const log = await person.call<Page<AuditEvent>>(`/v1/audit-events?target=${id}`);
    assert.deepEqual(
      log.body.data.map(({ action, actor }) => [action, actor.id]),
      [
        ['error_issue.reopened', token.id],
        ['error_issue.resolved', token.id],
        ['error.reopened', null],
        ['error_issue.reopened', null],
        ['error_issue.resolved', token.id],
        ['error.new', null],
      ],
    );
  });

  test('an issue that is resolved in a release reopens for a later release, but not for an earlier one', async () => {
    const { report, readIssue, setStatus, token } = await createTracker();
    const resolveIn = (id: string, release: string | null, status = 'resolved') =>
      testServer.call<ErrorIssue>(`/v1/errors/issues/${id}`, {
        method: 'PATCH',
        body: { status, release },
        headers: bearer(token.secret),
      });
    const id = await report({ release: 'shop@2.3.0' });
    assert.equal((await resolveIn(id, 'shop@2.4.0')).body.resolvedInRelease, 'shop@2.4.0');
    assert.equal((await resolveIn(id, 'shop@2.4.0', 'muted')).status, 422);
    for (const [release, status, resolvedInRelease] of [
      ['shop@2.3.0', 'resolved', 'shop@2.4.0'],
      ['shop@2.3.9', 'resolved', 'shop@2.4.0'],
      ['shop@2.10.0', 'open', null],
    ]) {
      now += MINUTE;
      await report({ release });
      const current = await readIssue(id);
      assert.deepEqual([current.status, current.resolvedInRelease], [status, resolvedInRelease], String(release));
    }
    await resolveIn(id, 'shop@3.0.0');
    assert.equal((await setStatus(id, 'resolved')).body.resolvedInRelease, null);
    now += MINUTE;
    await report({ release: 'shop@1.0.0' });
    assert.equal((await readIssue(id)).status, 'open');
  });

  test('a muted issue counts occurrences without reopening, a deleted one is created again, and the activity log records both', async () => {
    const { report, readIssue, listIssues, listEvents, setStatus, person, token } = await createTracker();
    const headers = bearer(token.secret);
    const id = await report();
    assert.equal((await setStatus(id, 'muted')).body.status, 'muted');
    now += MINUTE;
    assert.equal(await report(), id);
    assert.deepEqual([(await readIssue(id)).status, (await readIssue(id)).count], ['muted', 2]);
    const listIssueIds = async (status: string) => (await listIssues(`?status=${status}`)).map((issue) => issue.id);
    assert.deepEqual(
      [await listIssueIds('open'), await listIssueIds('resolved'), await listIssueIds('muted')],
      [[], [], [id]],
    );
    assert.equal((await setStatus(id, 'resolved')).body.status, 'resolved');
    assert.equal((await setStatus(id, 'muted')).body.status, 'muted');
    assert.equal((await setStatus(id, 'open')).body.status, 'open');

    const remove = () => testServer.call(`/v1/errors/issues/${id}`, { method: 'DELETE', headers });
    assert.equal((await remove()).status, 204);
    assert.equal((await remove()).status, 404);
    assert.deepEqual(await listIssues(), []);
    const recreatedId = await report();
    assert.notEqual(recreatedId, id);
    assert.deepEqual([(await readIssue(recreatedId)).count, (await listEvents(recreatedId)).length], [1, 1]);
    const log = await person.call<Page<AuditEvent>>(`/v1/audit-events?target=${id}`);
    assert.deepEqual(
      log.body.data.map(({ action, detail }) => [action, detail['occurrences'] ?? null]),
      [
        ['error_issue.deleted', 2],
        ['error_issue.reopened', null],
        ['error_issue.muted', null],
        ['error_issue.resolved', null],
        ['error_issue.muted', null],
        ['error.new', null],
      ],
    );
  });

  test('all occurrences of an error are counted, but at most 10 per minute and 100 in total are stored', async () => {
    const { report, readIssue, listEvents } = await createTracker();
    const ids = await Promise.all(Array.from({ length: 120 }, (_, index) => report({ message: `flood ${index}` })));
    const [id = ''] = ids;
    assert.equal(new Set(ids).size, 1);
    assert.equal((await readIssue(id)).count, 120);
    assert.equal((await listEvents(id)).length, 10);
    for (let minute = 0; minute < 10; minute++) {
      now += MINUTE;
      await Promise.all(Array.from({ length: 11 }, () => report({ message: 'flood 1' })));
    }
    assert.equal((await readIssue(id)).count, 230);
    assert.equal((await listEvents(id)).length, 100);
  });

  test('envelopes are accepted in each encoding, their session items and unknown items are ignored, and invalid envelopes are refused', async () => {
    const { person, listIssues } = await createTracker();
    const { publicKey } = await createErrorKey(person);
    const send = (
      body: string | Uint8Array,
      headers: Record<string, string> = {},
    ): Promise<TestResponse<{ id?: string; code?: string }>> =>
      testServer.call('/api/42/envelope/', {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/x-sentry-envelope',
          'x-sentry-auth': `Sentry sentry_version=7, sentry_client=test/1, sentry_key=${publicKey}`,
          ...headers,
        },
      });
    const envelope = envelopeOf(['session', { sid: 'x' }], ['event', sentryEvent()], ['unknown_item', { a: 1 }]);
    const sent = await send(envelope);
    assert.deepEqual([sent.status, sent.body], [200, { id: 'e'.repeat(32) }], sent.text);
    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      assert.equal((await send(compress(envelope), { 'content-encoding': encoding })).status, 200, encoding);
    }
    const [issue, ...otherIssues] = await listIssues();
    assert.deepEqual([issue?.title, issue?.count, otherIssues], ['RangeError: out of reach', 5, []]);
    assert.equal((await send(envelopeOf(['session', {}]))).status, 200);
    const payload = JSON.stringify(sentryEvent({ message: 'line one\nline two' }));
    const withLength = `{}\n{"type":"event","length":${Buffer.byteLength(payload)}}\n${payload}`;
    assert.equal((await send(withLength)).status, 200);
    const bomb = gzipSync(Buffer.alloc(9 * 1_048_576, 32));
    for (const [body, headers, status, code] of [
      ['not json', {}, 400, 'invalid_request'],
      ['{}\n{"type":"event","length":99999}\n{}', {}, 400, 'invalid_request'],
      ['{}\n{"type":"event"}\n{broken', {}, 400, 'invalid_request'],
      ['x', { 'content-encoding': 'gzip' }, 400, 'invalid_request'],
      ['x', { 'content-encoding': 'compress' }, 415, 'unsupported_media_type'],
      [bomb, { 'content-encoding': 'gzip' }, 413, 'too_large'],
      [Buffer.alloc(2 * 1_048_576 + 1), {}, 413, 'too_large'],
    ] as const) {
      const refused = await send(body, headers);
      assert.deepEqual([refused.status, refused.body.code], [status, code], refused.text);
    }
  });

  test('secrets in reports and envelopes are masked before they are stored', async () => {
    const { person, report, listIssues, readIssue, listEvents, setStatus } = await createTracker();
    const { secret } = await createToken(person, ['basic_deployment']);
    const text = `failed for ${secret} again`;
    const fields = { release: text, environment: text, app: text };
    await report({
      type: text,
      message: text,
      stack: `Error: ${text}\n    at f (/srv/${secret}/a.js:1:2)`,
      ...fields,
      fingerprint: [text],
    });
    const { publicKey } = await createErrorKey(person);
    const breadcrumb = { category: text, level: text, message: text };
    const frame = { function: text, filename: text };
    const envelope = envelopeOf(
      [
        'event',
        sentryEvent({ ...fields, tags: { [text]: text }, breadcrumbs: [breadcrumb], message: text, exception: [] }),
      ],
      ['event', sentryEvent({ exception: [{ type: text, value: text, stacktrace: { frames: [frame] } }] })],
      // A secret at the length limit of a field is masked before the field is truncated.
      [
        'event',
        sentryEvent({ exception: [{ type: `${'x'.repeat(255 - secret.length + 8)}${secret}`, value: 'long' }] }),
      ],
    );
    const sent = await testServer.call(`/api/42/envelope/?sentry_key=${publicKey}`, { method: 'POST', body: envelope });
    assert.equal(sent.status, 200, sent.text);
    const listedIssues = await listIssues();
    assert.equal(listedIssues.length, 4);
    assert.ok(listedIssues.some(({ title }) => title === 'failed for [secret] again: failed for [secret] again'));
    const details = await Promise.all(listedIssues.flatMap(({ id }) => [readIssue(id), listEvents(id)]));
    for (const { id } of listedIssues) assert.equal((await setStatus(id, 'resolved')).status, 200);
    const log = await person.call('/v1/audit-events?limit=200');
    const stored = `${JSON.stringify([listedIssues, details])}${log.text}`;
    assert.ok(!stored.includes(secret.slice(20, 50)), stored);
  });

  test('only error_tracker and all grant access, and other workspaces see nothing', async () => {
    const { person, report } = await createTracker();
    const id = await report();
    for (const scope of SCOPES) {
      const { secret } = await createToken(person, [scope]);
      const isAllowed = scope === 'error_tracker' || scope === 'all';
      for (const [method, path, body] of [
        ['GET', '/v1/errors/issues', undefined],
        ['GET', `/v1/errors/issues/${id}`, undefined],
        ['GET', `/v1/errors/issues/${id}/events`, undefined],
        ['PATCH', `/v1/errors/issues/${id}`, { status: 'open' }],
      ] as const) {
        const response = await testServer.call(path, { method, headers: bearer(secret), ...(body && { body }) });
        assert.equal(response.status, isAllowed ? 200 : 403, `${method} ${path} with ${scope}`);
      }
    }
    const tokenOfOtherWorkspace = await createToken(await createWorkspaceFor(owner, testServer, 'Neighbor'), ['all']);
    for (const path of [`/v1/errors/issues/${id}`, `/v1/errors/issues/${id}/events`]) {
      assert.equal((await testServer.call(path, { headers: bearer(tokenOfOtherWorkspace.secret) })).status, 404);
    }
    const list = await testServer.call<Page<ErrorIssue>>('/v1/errors/issues', {
      headers: bearer(tokenOfOtherWorkspace.secret),
    });
    assert.deepEqual(list.body.data, []);
    const deletion = { method: 'DELETE', headers: bearer(tokenOfOtherWorkspace.secret) };
    assert.equal((await testServer.call(`/v1/errors/issues/${id}`, deletion)).status, 404);
    const resolution = { method: 'PATCH', body: { status: 'resolved' }, headers: bearer(tokenOfOtherWorkspace.secret) };
    assert.equal((await testServer.call(`/v1/errors/issues/${id}`, resolution)).status, 404);
  });

  test('a member reads issues and cannot resolve them', async () => {
    const mia = await signUpMember(testServer, owner, 'member', 'mia@example.com');
    assert.equal((await mia.call('/v1/errors/issues')).status, 200);
    const resolve = { method: 'PATCH', body: { status: 'resolved' } };
    assert.equal((await mia.call('/v1/errors/issues/iss_x', resolve)).status, 403);
    assert.equal((await mia.call('/v1/errors/issues/iss_x', { method: 'DELETE' })).status, 403);
  });
});

test('an unmodified Sentry SDK can report to this server', async (context) => {
  const sdk = fileURLToPath(new URL('../testing/sentry-sdk', import.meta.url));
  try {
    await installLocked(sdk);
  } catch (error) {
    return context.skip(`the SDK could not be installed: ${String(error)}`);
  }
  const testServer = await startTestServer();
  try {
    const owner = await signUpOwner(testServer);
    const { dsn } = await createErrorKey(owner);
    await runProgram(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `
      import * as Sentry from '@sentry/node';
      Sentry.init({ dsn: '${dsn}', release: 'shop@2.4.0', environment: 'staging', tracesSampleRate: 1 });
      Sentry.setTag('app', 'shop');
      Sentry.addBreadcrumb({ category: 'cart', message: 'added a hat', level: 'info' });
      function placeOrder() { throw new TypeError('order is undefined'); }
      for (let n = 0; n < 2; n++) try { placeOrder(); } catch (error) { Sentry.captureException(error, { extra: { n, large: 'x'.repeat(60_000) } }); }
      Sentry.captureMessage('just saying', 'warning');
      if (!(await Sentry.flush(10_000))) throw new Error('not flushed');
    `,
      ],
      sdk,
    );
    const { body } = await owner.call<Page<ErrorIssue>>('/v1/errors/issues?sort=-count');
    const issueRows = body.data.map(({ title, count, level, release, environment, app }) => [
      title,
      count,
      level,
      release,
      environment,
      app,
    ]);
    assert.deepEqual(issueRows.find(([title]) => title === 'TypeError: order is undefined')?.slice(2), [
      'error',
      'shop@2.4.0',
      'staging',
      'shop',
    ]);
    assert.ok(issueRows.some(([title, , level]) => title === 'Message: just saying' && level === 'warning'));
    const issue = body.data.find(({ type }) => type === 'TypeError');
    const events = await owner.call<Page<ErrorEvent>>(`/v1/errors/issues/${issue?.id}/events`);
    const [event] = events.body.data;
    assert.equal(event?.frames[0]?.function, 'placeOrder');
    assert.ok(event?.breadcrumbs.some(({ message }) => message === 'added a hat'));
    assert.equal(event?.tags['app'], 'shop');
  } finally {
    await testServer.close();
  }
});

test('the Sentry SDK for Python can report to this server, with NaN in its variables and a large attachment', async () => {
  ensurePythonSentrySdk();
  const testServer = await startTestServer();
  try {
    const owner = await signUpOwner(testServer);
    const { dsn } = await createErrorKey(owner);
    const program = `
import logging, sentry_sdk
sentry_sdk.init(dsn='${dsn}', release='shop@2.4.0', environment='staging', traces_sample_rate=1.0)
def place_order(price):
    raise ValueError('order is undefined')
with sentry_sdk.start_transaction(name='order'), sentry_sdk.configure_scope() as scope:
    scope.set_tag('app', 'shop')
    scope.set_extra('price', float('nan'))
    scope.add_attachment(bytes=b'x' * 3000000, filename='cart.bin')
    sentry_sdk.add_breadcrumb(category='cart', message='added a hat', data={'price': float('inf')})
    try:
        place_order(float('nan'))
    except ValueError as error:
        sentry_sdk.capture_exception(error)
for product in ('hats', 'shoes'):
    logging.error('no stock of %s', product)
sentry_sdk.flush(10)
`;
    const output = await runProgram('/usr/bin/python3', ['-c', program]);
    const { body } = await owner.call<Page<ErrorIssue>>('/v1/errors/issues?sort=-count');
    assert.deepEqual(
      body.data
        .map(({ title, count, level, release }) => [title.replace('shoes', 'hats'), count, level, release])
        .sort(),
      [
        ['Message: no stock of hats', 2, 'error', 'shop@2.4.0'],
        ['ValueError: order is undefined', 1, 'error', 'shop@2.4.0'],
      ],
      output,
    );
    const issue = body.data.find(({ type }) => type === 'ValueError');
    const events = await owner.call<Page<ErrorEvent>>(`/v1/errors/issues/${issue?.id}/events`);
    const [event] = events.body.data;
    assert.equal(event?.frames[0]?.function, 'place_order');
    assert.ok(event?.breadcrumbs.some(({ message }) => message === 'added a hat'));
    assert.equal(event?.app, 'shop');
  } finally {
    await testServer.close();
  }
});
