import assert from 'node:assert/strict';
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
import { createErrorKey, sentryAuth } from '../testing/error-keys.ts';
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

const event = (fields: object = {}) => ({
  event_id: 'e'.repeat(32),
  exception: { values: [{ type: 'RangeError', value: 'out of reach' }] },
  ...fields,
});
const envelope = (header: object = {}, payload: object = event()) =>
  `${JSON.stringify(header)}\n{"type":"event"}\n${JSON.stringify(payload)}\n`;

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
  const readIssues = async (person: TestPerson) =>
    (await person.call<Page<ErrorIssue>>('/v1/errors/issues')).body.data.map(({ title, count, app }) => [
      title,
      count,
      app,
    ]);

  test('an owner creates and deletes error keys, with audit events, and API keys that can change apps list them', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Watched');
    const key = await createErrorKey(person, { allowedOrigins: ['https://shop.example.com'] });
    assert.match(key.publicKey, /^[0-9a-f]{32}$/);
    assert.equal(key.dsn, testServer.url.replace('://', `://${key.publicKey}@`).concat('/1'));
    assert.deepEqual([key.app, key.allowedOrigins], [null, ['https://shop.example.com']]);
    now += 1;
    const secondKey = await createErrorKey(person);
    for (const permission of ['write', 'manage_apps'] as const) {
      const { secret } = await createKey(person, [permission]);
      const listed = await testServer.call<Page<ErrorKey>>('/v1/errors/keys?limit=1', { headers: bearer(secret) });
      assert.deepEqual(listed.body.data, [secondKey]);
      const nextPage = await testServer.call<Page<ErrorKey>>(
        `/v1/errors/keys?limit=1&cursor=${listed.body.nextCursor}`,
        {
          headers: bearer(secret),
        },
      );
      assert.deepEqual([nextPage.body.data, nextPage.body.nextCursor], [[key], null]);
    }
    const path = `/v1/errors/keys/${key.id}`;
    assert.equal((await owner.call(path, { method: 'DELETE' })).status, 404);
    assert.equal((await post('/api/1/envelope/', envelope(), sentryAuth(key.publicKey))).status, 200);
    assert.equal((await person.call(path, { method: 'DELETE' })).status, 204);
    const refused = await post('/api/1/envelope/', envelope(), sentryAuth(key.publicKey));
    assert.deepEqual([refused.status, refused.body.code], [401, 'invalid_token']);
    assert.equal((await person.call(path, { method: 'DELETE' })).status, 404);
    const log = await person.call<Page<AuditEvent>>(`/v1/audit-events?target=${key.id}`);
    assert.deepEqual(
      log.body.data.map(({ action }) => action),
      ['error_key.deleted', 'error_key.created'],
    );
    const invalidBodies = [
      { name: 'x' },
      { name: 'Key', app: 'no-such-app' },
      { name: 'Key', unknownField: 1 },
      ...['https://shop.example.com/', 'shop.example.com', '*', 'ftp://x.example', 'https://a.example/b'].map(
        (origin) => ({
          name: 'Key',
          allowedOrigins: [origin],
        }),
      ),
    ];
    for (const body of invalidBodies) {
      assert.equal((await person.call('/v1/errors/keys', { body })).status, 422, JSON.stringify(body));
    }
  });

  test('an error key is accepted in a header, the query or the DSN, at both URLs, and its app overrides the app of an event', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Submitting');
    const project = await person.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } });
    const app = await person.call<{ id: string; slug: string }>('/v1/apps', {
      body: { name: 'Till', projectId: project.body.id },
    });
    const { publicKey, dsn, app: slug } = await createErrorKey(person, { app: app.body.id });
    assert.equal(slug, 'till');
    const storeBody = JSON.stringify(event({ tags: { app: 'another' } }));
    const responses = [
      await post('/api/1/envelope/', envelope(), sentryAuth(publicKey)),
      await post(`/api/7/envelope/?sentry_version=7&sentry_key=${publicKey}&sentry_client=x`, envelope()),
      await post('/api/anything/envelope/', envelope({ dsn, event_id: 'a'.repeat(32) })),
      await post('/api/1/envelope/', envelope(), { authorization: sentryAuth(publicKey)['x-sentry-auth'] }),
      await post('/api/1/store/', storeBody, sentryAuth(publicKey)),
      await post('/api/1/store/', envelope(), {
        ...sentryAuth(publicKey),
        'content-type': 'application/x-sentry-envelope',
      }),
      await post(`/api/1/store/?sentry_key=${publicKey}`, gzipSync(storeBody), { 'content-encoding': 'gzip' }),
    ];
    assert.deepEqual(
      responses.map(({ status }) => status),
      [200, 200, 200, 200, 200, 200, 200],
    );
    assert.deepEqual([responses[2]?.body.id, responses[4]?.body.id], ['a'.repeat(32), 'e'.repeat(32)]);
    assert.deepEqual(await readIssues(person), [['RangeError: out of reach', 7, 'till']]);
    const otherKey = await createErrorKey(person);
    const withTwoKeys = await post(
      `/api/1/envelope/?sentry_key=${publicKey}`,
      envelope(),
      sentryAuth(otherKey.publicKey),
    );
    assert.deepEqual([withTwoKeys.status, withTwoKeys.body.code], [400, 'invalid_request']);
    for (const body of ['{', 'null', '"text"', '']) {
      const refused = await post('/api/1/store/', body, sentryAuth(publicKey));
      assert.equal(refused.status, 400, body);
    }
    // The DSN in a compressed envelope is not read, because nothing is decompressed before authentication.
    const compressed = await post('/api/1/envelope/', gzipSync(envelope({ dsn })), { 'content-encoding': 'gzip' });
    assert.equal(compressed.status, 401);
  });

  test('events with attachments of any size are accepted, and every request gets a response even if its body is not read fully', async () => {
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
      (await post('/api/1/envelope/', gzipSync(body), { ...sentryAuth(publicKey), 'content-encoding': 'gzip' })).status,
      200,
    );
    const tooLong = Buffer.concat([body, attachment, attachment, attachment]);
    assert.equal((await post('/api/1/envelope/', tooLong)).status, 200, 'the event comes before the size limit');
    const refused = await post(
      '/api/1/envelope/',
      Buffer.concat([Buffer.from('{}\n'), attachment]),
      sentryAuth('0'.repeat(32)),
    );
    assert.equal(refused.status, 401);
    const truncatedBody = gzipSync(body).subarray(0, 5_000);
    const truncated = await post('/api/1/envelope/', truncatedBody, {
      ...sentryAuth(publicKey),
      'content-encoding': 'gzip',
    });
    assert.deepEqual([truncated.status, truncated.body.code], [400, 'invalid_request']);
    assert.deepEqual(await readIssues(person), [['RangeError: out of reach', 3, null]]);
  });

  test('the error keys of an app are deleted with it, each with an audit event, and the keys of the workspace stay', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Closing');
    const project = await person.call<{ id: string }>('/v1/projects', { body: { name: 'Shop' } });
    const app = await person.call<{ id: string }>('/v1/apps', { body: { name: 'Till', projectId: project.body.id } });
    const appKeys = [await createErrorKey(person, { app: app.body.id }), await createErrorKey(person, { app: 'till' })];
    const workspaceKey = await createErrorKey(person);
    assert.equal((await person.call(`/v1/apps/${app.body.id}`, { method: 'DELETE' })).status, 204);
    for (const { publicKey, id } of appKeys) {
      assert.equal((await post('/api/1/envelope/', envelope(), sentryAuth(publicKey))).status, 401);
      const log = await person.call<Page<AuditEvent>>(`/v1/audit-events?target=${id}&action=error_key.deleted`);
      assert.deepEqual(
        log.body.data.map(({ actor, detail }) => [actor.kind, detail]),
        [['person', { app: app.body.id }]],
      );
    }
    assert.equal((await post('/api/1/envelope/', envelope(), sentryAuth(workspaceKey.publicKey))).status, 200);
  });

  test('an error key can only submit events, and no other credential can submit at its URLs', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Narrow');
    const { publicKey, id } = await createErrorKey(person);
    for (const path of ['/v1/errors/issues', '/v1/whoami', '/v1/errors/keys', '/v1/authorize']) {
      assert.equal((await testServer.call(path, { headers: bearer(publicKey) })).status, 401, path);
      assert.equal((await testServer.call(path, { headers: sentryAuth(publicKey) })).status, 401, path);
    }
    await testServer.call('/v1/revoke', { body: new URLSearchParams({ token: publicKey }) });
    assert.equal((await post('/api/1/envelope/', envelope(), sentryAuth(publicKey))).status, 200);
    const token = await createToken(person, ['error_tracker']);
    const tokenWithAll = await createToken(person, ['all']);
    const key = await createKey(person, ['write', 'manage_apps']);
    const member = await signUpMember(testServer, person, 'member', 'mia@example.com');
    for (const { secret } of [token, tokenWithAll, key]) {
      for (const [headers, code] of [
        [bearer(secret), 'missing_credential'],
        [sentryAuth(secret), 'invalid_token'],
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
    assert.deepEqual(await readIssues(person), [['RangeError: out of reach', 1, null]]);
  });

  test('responses have CORS headers for any origin, or only for the allowed origins of the key, even if they report an error', async () => {
    const person = await createWorkspaceFor(owner, testServer, 'Origins');
    const openKey = await createErrorKey(person);
    const restrictedKey = await createErrorKey(person, { allowedOrigins: ['https://shop.example.com'] });
    const submitFrom = async (key: string, origin: string | null, body = envelope(), path = '/api/1/envelope/') => {
      const response = await post(`${path}?sentry_key=${key}`, body, origin === null ? {} : { origin });
      return [response.status, response.headers.get('access-control-allow-origin')];
    };
    const shop = 'https://shop.example.com';
    assert.deepEqual(await submitFrom(openKey.publicKey, 'https://anywhere.example'), [200, '*']);
    assert.deepEqual(await submitFrom(restrictedKey.publicKey, shop), [200, shop]);
    assert.deepEqual(await submitFrom(restrictedKey.publicKey, null), [200, '*']);
    for (const origin of [
      'https://evil.example',
      'http://shop.example.com',
      'https://shop.example.com.evil.example',
      'null',
    ]) {
      assert.deepEqual(await submitFrom(restrictedKey.publicKey, origin), [403, null], origin);
    }
    assert.deepEqual(await submitFrom('0'.repeat(32), shop), [401, '*']);
    assert.deepEqual(await submitFrom(restrictedKey.publicKey, shop, 'broken'), [400, shop]);
    assert.deepEqual(await submitFrom(openKey.publicKey, shop, 'x'.repeat(2 * 1_048_576 + 1)), [413, '*']);
    for (const endpoint of ['envelope', 'store']) {
      const headers = { origin: shop, 'access-control-request-method': 'POST' };
      const preflight = await testServer.call(`/api/1/${endpoint}/`, { method: 'OPTIONS', headers });
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

test('each error key has a rate limit, and a workspace has a maximum number of keys', async () => {
  let now = Date.now();
  const testServer = await startTestServer({ clock: () => now });
  try {
    const person = await signUpOwner(testServer);
    const busyKey = await createErrorKey(person);
    const idleKey = await createErrorKey(person);
    const send = ({ publicKey }: ErrorKey) =>
      testServer.call('/api/1/envelope/', {
        method: 'POST',
        body: '{}\n{"type":"session"}\n{}\n',
        headers: sentryAuth(publicKey),
      });
    let limitedCount = 0;
    for (let sent = 0; sent <= ERROR_KEY_LIMITS.burst; sent += 50) {
      const responses = await Promise.all(Array.from({ length: 50 }, () => send(busyKey)));
      limitedCount += responses.filter(({ status }) => status === 429).length;
    }
    assert.equal(limitedCount, 50);
    const refused = await send(busyKey);
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
    assert.equal((await send(idleKey)).status, 200, 'another key is not limited');
    now += 1_000;
    assert.equal((await send(busyKey)).status, 200);
    for (let count = 2; count < ERROR_KEY_LIMITS.perWorkspace; count++) await createErrorKey(person);
    assert.equal((await person.call('/v1/errors/keys', { body: { name: 'One more' } })).status, 422);
  } finally {
    await testServer.close();
  }
});

test('guesses of error keys are limited per client address', async () => {
  const now = Date.now();
  const testServer = await startTestServer({ clock: () => now });
  try {
    const { publicKey } = await createErrorKey(await signUpOwner(testServer));
    const send = async (key: string) =>
      (await testServer.call('/api/1/store/', { method: 'POST', body: '{}', headers: sentryAuth(key) })).status;
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

test('an access token or API key in a query is always refused, and appears in no log line', async () => {
  const logLines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logLines.push(chunk.toString());
      done();
    },
  });
  const setupServer = await startTestServer();
  const owner = await signUpOwner(setupServer);
  const secrets = [
    await createToken(owner, ['error_tracker']),
    await createToken(owner, ['all']),
    await createKey(owner, ['read']),
  ].map(({ secret }) => secret);
  const { publicKey } = await createErrorKey(owner);
  await setupServer.running.close();
  const settings = readSettings({ PORT: '0', DEVPILOT_DATA_DIR: setupServer.dataDirectory, LOG_LEVEL: 'trace' });
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
  }
  assert.ok(logLines.length > 10);
  for (const secret of secrets) assert.ok(!logLines.join('').includes(secret.slice(8, 40)));
});
