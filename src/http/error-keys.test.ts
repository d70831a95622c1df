import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import pino from 'pino';
import type { AuditEvent } from '../contract/audit-events.ts';
import type { ErrorIssue, ErrorKey } from '../contract/errors.ts';
import { ERROR_KEY_LIMITS, UNKNOWN_SECRET_LIMITS } from '../contract/limits.ts';
import type { Page } from '../contract/paging.ts';
import { readSettings } from '../server/settings.ts';
import { startServer } from '../server/start.ts';
import { forEachEngine } from '../testing/engines.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  sendRequest,
  signUpMember,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';

const event = (more: object = {}) => ({
  event_id: 'e'.repeat(32),
  exception: { values: [{ type: 'RangeError', value: 'out of reach' }] },
  ...more,
});
const envelope = (header: object = {}, payload: object = event()) =>
  `${JSON.stringify(header)}\n{"type":"event"}\n${JSON.stringify(payload)}\n`;
const auth = (key: string) => ({ 'x-sentry-auth': `Sentry sentry_version=7, sentry_key=${key}` });

async function createErrorKey(person: TestPerson, more: object = {}): Promise<ErrorKey> {
  const created = await person.call<ErrorKey>('/v1/errors/keys', { body: { name: 'Shop in browsers', ...more } });
  assert.equal(created.status, 201, created.text);
  return created.body;
}

forEachEngine('error keys', (engine) => {
  let now = Date.now();
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    testServer = await startTestServer({ clock: () => now, environment: await engine.environment() });
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
    testServer.call<{ code?: string; id?: string }>(path, { method: 'POST', body, headers });
  const titles = async (person: TestPerson) =>
    (await person.call<Page<ErrorIssue>>('/v1/errors/issues')).body.data.map(({ title, count, app }) => [
      title,
      count,
      app,
    ]);

  test('are created, listed and deleted by admins and by keys that may change apps, each with an audit event', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Watched');
    const key = await createErrorKey(person, { allowedOrigins: ['https://shop.example.com'] });
    assert.match(key.publicKey, /^[0-9a-f]{32}$/);
    assert.equal(key.dsn, testServer.url.replace('://', `://${key.publicKey}@`).concat('/1'));
    assert.deepEqual([key.app, key.allowedOrigins], [null, ['https://shop.example.com']]);
    now += 1;
    const second = await createErrorKey(person);
    for (const permission of ['write', 'manage_apps'] as const) {
      const { secret } = await createKey(person, [permission]);
      const listed = await testServer.call<Page<ErrorKey>>('/v1/errors/keys?limit=1', { headers: bearer(secret) });
      assert.deepEqual(listed.body.data, [second]);
      const next = await testServer.call<Page<ErrorKey>>(`/v1/errors/keys?limit=1&cursor=${listed.body.nextCursor}`, {
        headers: bearer(secret),
      });
      assert.deepEqual([next.body.data, next.body.nextCursor], [[key], null]);
    }
    const path = `/v1/errors/keys/${key.id}`;
    assert.equal((await owner.call(path, { method: 'DELETE' })).status, 404);
    assert.equal((await post('/api/1/envelope/', envelope(), auth(key.publicKey))).status, 200);
    assert.equal((await person.call(path, { method: 'DELETE' })).status, 204);
    const refused = await post('/api/1/envelope/', envelope(), auth(key.publicKey));
    assert.deepEqual([refused.status, refused.body.code], [401, 'invalid_token']);
    assert.equal((await person.call(path, { method: 'DELETE' })).status, 404);
    const log = await person.call<Page<AuditEvent>>(`/v1/audit-events?target=${key.id}`);
    assert.deepEqual(
      log.body.data.map(({ action }) => action),
      ['error_key.deleted', 'error_key.created'],
    );
    const bad = [
      { name: 'x' },
      { name: 'Key', app: 'no-such-app' },
      { name: 'Key', more: 1 },
      ...['https://shop.example.com/', 'shop.example.com', '*', 'ftp://x.example', 'https://a.example/b'].map(
        (key) => ({
          name: 'Key',
          allowedOrigins: [key],
        }),
      ),
    ];
    for (const body of bad) {
      assert.equal((await person.call('/v1/errors/keys', { body })).status, 422, JSON.stringify(body));
    }
  });

  test('submit by header, query or DSN, to both URLs, and their app overrides the one in an event', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Submitting');
    const project = await person.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } });
    const app = await person.call<{ id: string; slug: string }>('/v1/apps', {
      body: { name: 'Till', projectId: project.body.id },
    });
    const { publicKey, dsn, app: slug } = await createErrorKey(person, { app: app.body.id });
    assert.equal(slug, 'till');
    const stored = JSON.stringify(event({ tags: { app: 'another' } }));
    const sent = [
      await post('/api/1/envelope/', envelope(), auth(publicKey)),
      await post(`/api/7/envelope/?sentry_version=7&sentry_key=${publicKey}&sentry_client=x`, envelope()),
      await post('/api/anything/envelope/', envelope({ dsn, event_id: 'a'.repeat(32) })),
      await post('/api/1/envelope/', envelope(), { authorization: auth(publicKey)['x-sentry-auth'] }),
      await post('/api/1/store/', stored, auth(publicKey)),
      await post('/api/1/store/', envelope(), { ...auth(publicKey), 'content-type': 'application/x-sentry-envelope' }),
      await post(`/api/1/store/?sentry_key=${publicKey}`, gzipSync(stored), { 'content-encoding': 'gzip' }),
    ];
    assert.deepEqual(
      sent.map(({ status }) => status),
      [200, 200, 200, 200, 200, 200, 200],
    );
    assert.deepEqual([sent[2]?.body.id, sent[4]?.body.id], ['a'.repeat(32), 'e'.repeat(32)]);
    assert.deepEqual(await titles(person), [['RangeError: out of reach', 7, 'till']]);
    const other = await createErrorKey(person);
    const two = await post(`/api/1/envelope/?sentry_key=${publicKey}`, envelope(), auth(other.publicKey));
    assert.deepEqual([two.status, two.body.code], [400, 'invalid_request']);
    for (const body of ['[]', '{', 'null', '"text"', '']) {
      const refused = await post('/api/1/store/', body, auth(publicKey));
      assert.ok(body === '[]' || refused.status === 400, `${body}: ${refused.status}`);
    }
    // The DSN in a compressed envelope is not read: nothing is decompressed before authentication.
    const packed = await post('/api/1/envelope/', gzipSync(envelope({ dsn })), { 'content-encoding': 'gzip' });
    assert.equal(packed.status, 401);
  });

  test('receive events with attachments of any size, and a response however much of the body is read', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Attaching');
    const { publicKey, dsn } = await createErrorKey(person);
    const attachment = Buffer.concat([
      Buffer.from('{"type":"attachment"}\n'),
      Buffer.alloc(5 * 1_048_576, 'x'),
      Buffer.from('\n'),
    ]);
    const body = Buffer.concat([Buffer.from(envelope({ dsn })), attachment]);
    assert.equal((await post('/api/1/envelope/', body)).status, 200);
    assert.equal(
      (await post('/api/1/envelope/', gzipSync(body), { ...auth(publicKey), 'content-encoding': 'gzip' })).status,
      200,
    );
    const tooLong = Buffer.concat([body, attachment, attachment, attachment]);
    assert.equal((await post('/api/1/envelope/', tooLong)).status, 200, 'the event precedes the limit');
    const refused = await post(
      '/api/1/envelope/',
      Buffer.concat([Buffer.from('{}\n'), attachment]),
      auth('0'.repeat(32)),
    );
    assert.equal(refused.status, 401);
    const cut = gzipSync(body).subarray(0, 5_000);
    const broken = await post('/api/1/envelope/', cut, { ...auth(publicKey), 'content-encoding': 'gzip' });
    assert.deepEqual([broken.status, broken.body.code], [400, 'invalid_request']);
    assert.deepEqual(await titles(person), [['RangeError: out of reach', 3, null]]);
  });

  test('are deleted with their app, each with an audit event, and report for no other', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Closing');
    const project = await person.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } });
    const app = await person.call<{ id: string }>('/v1/apps', { body: { name: 'Till', projectId: project.body.id } });
    const ofApp = [await createErrorKey(person, { app: app.body.id }), await createErrorKey(person, { app: 'till' })];
    const ofWorkspace = await createErrorKey(person);
    assert.equal((await person.call(`/v1/apps/${app.body.id}`, { method: 'DELETE' })).status, 204);
    for (const { publicKey, id } of ofApp) {
      assert.equal((await post('/api/1/envelope/', envelope(), auth(publicKey))).status, 401);
      const log = await person.call<Page<AuditEvent>>(`/v1/audit-events?target=${id}&action=error_key.deleted`);
      assert.deepEqual(
        log.body.data.map(({ actor, detail }) => [actor.kind, detail]),
        [['person', { app: app.body.id }]],
      );
    }
    assert.equal((await post('/api/1/envelope/', envelope(), auth(ofWorkspace.publicKey))).status, 200);
  });

  test('can only submit, and no other credential can submit', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Narrow');
    const { publicKey, id } = await createErrorKey(person);
    for (const path of ['/v1/errors/issues', '/v1/whoami', '/v1/errors/keys', '/v1/authorize']) {
      assert.equal((await testServer.call(path, { headers: bearer(publicKey) })).status, 401, path);
      assert.equal((await testServer.call(path, { headers: auth(publicKey) })).status, 401, path);
    }
    await testServer.call('/v1/revoke', { body: new URLSearchParams({ token: publicKey }) });
    assert.equal((await post('/api/1/envelope/', envelope(), auth(publicKey))).status, 200);
    const token = await createToken(person, ['error_tracker']);
    const all = await createToken(person, ['all']);
    const key = await createKey(person, ['write', 'manage_apps']);
    const member = await signUpMember(testServer, person, 'member', 'mia@example.com');
    for (const { secret } of [token, all, key]) {
      for (const [headers, code] of [
        [bearer(secret), 'missing_credential'],
        [auth(secret), 'invalid_token'],
      ] as const) {
        const refused = await post('/api/1/envelope/', envelope(), headers);
        assert.deepEqual([refused.status, refused.body.code], [401, code]);
      }
      const dsn = testServer.url.replace('://', `://${secret}@`);
      assert.equal((await post('/api/1/envelope/', envelope({ dsn: `${dsn}/1` }))).status, 401);
    }
    const byCookie = await post('/api/1/envelope/', envelope(), {
      cookie: member.cookie,
      'content-type': 'text/plain',
    });
    assert.deepEqual([byCookie.status, byCookie.body.code], [401, 'missing_credential']);
    assert.equal((await member.call('/v1/errors/keys')).status, 403);
    assert.equal((await member.call(`/v1/errors/keys/${id}`, { method: 'DELETE' })).status, 403);
    assert.deepEqual(await titles(person), [['RangeError: out of reach', 1, null]]);
  });

  test('send CORS headers for any origin, or for their allowed origins only, also with errors', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Origins');
    const open = await createErrorKey(person);
    const closed = await createErrorKey(person, { allowedOrigins: ['https://shop.example.com'] });
    const from = async (key: string, origin: string | null, body = envelope(), path = '/api/1/envelope/') => {
      const response = await post(`${path}?sentry_key=${key}`, body, origin === null ? {} : { origin });
      return [response.status, response.headers.get('access-control-allow-origin')];
    };
    const shop = 'https://shop.example.com';
    assert.deepEqual(await from(open.publicKey, 'https://anywhere.example'), [200, '*']);
    assert.deepEqual(await from(closed.publicKey, shop), [200, shop]);
    assert.deepEqual(await from(closed.publicKey, null), [200, '*']);
    for (const origin of [
      'https://evil.example',
      'http://shop.example.com',
      'https://shop.example.com.evil.example',
      'null',
    ]) {
      assert.deepEqual(await from(closed.publicKey, origin), [403, null], origin);
    }
    assert.deepEqual(await from('0'.repeat(32), shop), [401, '*']);
    assert.deepEqual(await from(closed.publicKey, shop, 'broken'), [400, shop]);
    assert.deepEqual(await from(open.publicKey, shop, 'x'.repeat(2 * 1_048_576 + 1)), [413, '*']);
    for (const what of ['envelope', 'store']) {
      const headers = { origin: shop, 'access-control-request-method': 'POST' };
      const preflight = await testServer.call(`/api/1/${what}/`, { method: 'OPTIONS', headers });
      assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, '*']);
      assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /X-Sentry-Auth/);
      assert.equal(preflight.headers.get('access-control-allow-methods'), 'POST');
      assert.equal(preflight.headers.get('access-control-allow-credentials'), null);
    }
    assert.equal(
      (await testServer.call('/v1/errors/issues', { headers: { origin: shop } })).headers.get(
        'access-control-allow-origin',
      ),
      null,
    );
  });
});

test('have a rate limit each, and a maximum number per workspace', async () => {
  let now = Date.now();
  const testServer = await startTestServer({ clock: () => now });
  try {
    const person = await signUpOwner(testServer);
    const noisy = await createErrorKey(person);
    const quiet = await createErrorKey(person);
    const send = ({ publicKey }: ErrorKey) =>
      testServer.call('/api/1/envelope/', {
        method: 'POST',
        body: '{}\n{"type":"session"}\n{}\n',
        headers: auth(publicKey),
      });
    let limited = 0;
    for (let sent = 0; sent <= ERROR_KEY_LIMITS.burst; sent += 50) {
      const responses = await Promise.all(Array.from({ length: 50 }, () => send(noisy)));
      limited += responses.filter(({ status }) => status === 429).length;
    }
    assert.equal(limited, 50);
    const refused = await send(noisy);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
    assert.equal((await send(quiet)).status, 200, 'another key is not held up');
    now += 1_000;
    assert.equal((await send(noisy)).status, 200);
    for (let count = 2; count < ERROR_KEY_LIMITS.perWorkspace; count++) await createErrorKey(person);
    assert.equal((await person.call('/v1/errors/keys', { body: { name: 'One more' } })).status, 422);
  } finally {
    await testServer.close();
  }
});

test('guesses of keys are limited per client', async () => {
  const now = Date.now();
  const testServer = await startTestServer({ clock: () => now });
  try {
    const { publicKey } = await createErrorKey(await signUpOwner(testServer));
    const send = async (key: string) =>
      (await testServer.call('/api/1/store/', { method: 'POST', body: '{}', headers: auth(key) })).status;
    for (let sent = 0; sent < UNKNOWN_SECRET_LIMITS.burst; sent += 100) {
      const responses = await Promise.all(Array.from({ length: 100 }, () => send('0'.repeat(32))));
      assert.deepEqual(new Set(responses), new Set([401]));
    }
    assert.equal(await send('0'.repeat(32)), 429);
    assert.equal(await send(publicKey), 429, 'the limit does not reveal which keys exist');
  } finally {
    await testServer.close();
  }
});

test('an access token in a query is always refused, and appears in no log line', async () => {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const plain = await startTestServer();
  const owner = await signUpOwner(plain);
  const secrets = [
    await createToken(owner, ['error_tracker']),
    await createToken(owner, ['all']),
    await createKey(owner, ['read']),
  ].map(({ secret }) => secret);
  const { publicKey } = await createErrorKey(owner);
  await plain.running.close();
  const settings = readSettings({ PORT: '0', DEVPILOT_DATA_DIR: plain.dataDirectory, LOG_LEVEL: 'trace' });
  const running = await startServer(settings, { logger: pino({ level: 'trace' }, stream) });
  try {
    for (const secret of secrets) {
      const encoded = secret.replace('_', '%5F');
      for (const query of [`sentry_key=${secret}`, `sentry_key=${encoded}`, `sentry_key=${publicKey}&x=${secret}`]) {
        for (const path of ['/api/1/envelope/', '/api/1/store/', '/v1/errors/events']) {
          const response = await sendRequest<{ code: string }>(running.url, `${path}?${query}`, {
            method: 'POST',
            body: envelope(),
          });
          assert.deepEqual([response.status, response.body.code], [400, 'invalid_request'], `${path} ${response.text}`);
          assert.ok(!response.text.includes(secret.slice(0, 30)));
        }
      }
    }
  } finally {
    await running.close();
    rmSync(plain.dataDirectory, { recursive: true, force: true });
  }
  assert.ok(lines.length > 10);
  for (const secret of secrets) assert.ok(!lines.join('').includes(secret.slice(8, 40)));
});
