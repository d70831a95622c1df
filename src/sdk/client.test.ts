import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bearer, createKey, createToken, signUpOwner, startTestServer } from '../testing/test-server.ts';
import { createClient, DevpilotError } from './client.ts';
import { retryPauseMs } from './transport.ts';

const SECRET = `workspace_token_${'a'.repeat(46)}`;
const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });

/**
 * Returns `send`, a fetch that returns these responses or throws these errors in turn, and the `requests` it received.
 */
function respondWith(...responses: (Response | Error)[]) {
  const requests: { url: string; init: RequestInit }[] = [];
  const send = (async (url: string, init: RequestInit) => {
    requests.push({ url, init });
    const response = responses.shift();
    if (response === undefined) throw new Error('no response left');
    if (response instanceof Error) throw response;
    return response;
  }) as typeof fetch;
  return { requests, send };
}

const problem = (code: string, status: number, retryAfter?: number) =>
  json(
    status,
    { code, detail: 'No.', requestId: 'r1' },
    retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` },
  );

describe('The client against a server', () => {
  test('manages, lists, introspects and reviews credentials, and exports the activity log', async () => {
    const testServer = await startTestServer();
    try {
      const ada = await signUpOwner(testServer);
      const session = ada.cookie.split('=')[1] ?? '';
      const devpilot = createClient({ url: `${testServer.url}/`, credential: session, workspace: ada.workspaceId });
      const names = ['Token One', 'Token Two', 'Token Three'];
      for (const name of names) await createToken(ada, ['run_scripts'], { name });
      const tokens = await Array.fromAsync(devpilot.accessTokens.all({ limit: 1, sort: 'createdAt' }));
      assert.deepEqual(
        tokens.map(({ name }) => name),
        names,
      );
      assert.equal((await devpilot.accessTokens.list({ limit: 1 })).total, 3);
      assert.equal((await devpilot.accessTokens.list({ neverExpires: true, expiresWithinDays: 7 })).total, 0);

      const old = await devpilot.apiKeys.create({ name: 'Old key', permissions: ['read'] });
      const replacement = await devpilot.apiKeys.create({ name: 'New key', permissions: ['read'], replaces: old.id });
      const { value, tag: etag } = await devpilot.apiKeys.read(old.id);
      assert.equal(value.replacedBy, replacement.id);
      await devpilot.apiKeys.update(old.id, { active: false }, { ifMatch: etag });
      await assert.rejects(devpilot.apiKeys.update(old.id, { active: true }, { ifMatch: etag }), { code: 'conflict' });

      const created = await devpilot.accessTokens.create({ name: 'From the SDK', scopes: ['modify_env'] });
      const tokenClient = createClient({ url: testServer.url, credential: created.secret });
      assert.deepEqual((await tokenClient.whoami()).rights.scopes, ['modify_env']);
      const key = await createKey(ada, ['read']);
      const keyClient = createClient({ url: testServer.url, credential: key.secret });
      assert.equal((await keyClient.introspect({ token: created.secret })).active, true);
      await devpilot.accessTokens.delete(created.id);
      assert.equal((await testServer.call('/v1/whoami', { headers: bearer(created.secret) })).status, 401);

      await assert.rejects(devpilot.accessTokens.create({ name: 'ab', scopes: [] as never }), (error: unknown) => {
        assert.ok(error instanceof DevpilotError);
        assert.equal(error.code, 'validation_failed');
        assert.deepEqual(error.errors.map(({ field }) => field).sort(), ['name', 'scopes']);
        assert.ok(error.requestId);
        return true;
      });
      const exported = await new Response(await devpilot.auditEvents.export()).text();
      assert.match(exported, /"action":"access_token.created"/);
      const listDueForReview = async () => {
        const items = await Array.fromAsync(devpilot.review.all({ reason: 'never_expires' }));
        return items.map(({ credential }) => credential.id);
      };
      assert.ok((await listDueForReview()).includes(key.id));
      await devpilot.review.decide(key.id, { decision: 'keep', note: 'For good' });
      assert.equal((await listDueForReview()).includes(key.id), false);
      const csv = await new Response(await devpilot.review.export({ includeKept: true })).text();
      assert.match(csv, /For good/);
    } finally {
      await testServer.close();
    }
  });

  test('an API key manages projects, servers and apps; an access token manages variables, events and errors', async () => {
    const testServer = await startTestServer();
    try {
      const ada = await signUpOwner(testServer);
      const clientFor = (credential: string) => createClient({ url: testServer.url, credential });
      const key = clientFor((await createKey(ada, ['read', 'write', 'delete'])).secret);
      const token = clientFor((await createToken(ada, ['all'])).secret);

      const project = await key.projects.create({ name: 'Shop' });
      const server = await key.servers.create({ name: 'Web 1', kind: 'ssh', host: '127.0.0.1', user: 'deploy' });
      assert.match(server.publicKey ?? '', /^ssh-ed25519 /);
      const hooks = [{ name: 'Build', stage: 'post_source_control', run: 'npm ci' }] as const;
      const app = await key.apps.create({ projectId: project.id, name: 'Storefront', hooks: [...hooks] });
      assert.equal(app.hooks[0]?.timeoutSeconds, 600);
      assert.deepEqual((await key.apps.list({ project: 'shop' })).data, [app]);
      await assert.rejects(key.projects.delete(project.id), { code: 'conflict', message: /Storefront/ });

      const { value, tag: etag } = await key.apps.read('storefront');
      assert.deepEqual(value, app);
      await key.apps.update(app.id, { branch: 'next' }, { ifMatch: etag });
      await assert.rejects(key.apps.update(app.id, { branch: 'last' }, { ifMatch: etag }), { code: 'conflict' });

      const written = await token.environment.update(app.id, { GREETING: 'hello world', OLD: 'x' });
      await token.environment.delete(app.id, 'OLD');
      await assert.rejects(token.environment.update(app.id, { GREETING: 'x' }, { ifMatch: written.tag }), {
        code: 'conflict',
      });
      assert.equal(await token.environment.dotenv(app.id), "GREETING='hello world'\n");
      const hidden = await token.environment.read(app.id, { values: 'hidden' });
      assert.deepEqual(
        hidden.value.data.map((variable) => variable.value),
        [null],
      );
      const versions = await Array.fromAsync(token.environment.versions(app.id).all());
      assert.deepEqual(
        versions.map((version) => [version.version, version.set, version.removed]),
        [
          [2, [], ['OLD']],
          [1, ['GREETING', 'OLD'], []],
        ],
      );
      await token.environment.restore(app.id, 1);
      await token.environment.set(app.id, 'OLD', 'y');

      const event = {
        specversion: '1.0',
        id: '1',
        source: '/shop',
        type: 'order.placed',
        data: { total: 42 },
      } as const;
      assert.deepEqual(await token.activity.send([event, event]), { accepted: 1, duplicates: 1 });
      assert.deepEqual((await token.activity.list({ type: 'order.placed' })).data[0]?.data, { total: 42 });
      assert.equal((await token.activity.analytics({ interval: 'hour', groupBy: 'source' })).total, 1);

      const { issueId } = await token.errors.report({ type: 'TypeError', message: 'order is undefined' });
      assert.equal((await token.errors.issues.update(issueId, { status: 'resolved' })).status, 'resolved');
      assert.deepEqual((await token.errors.issues.list({ status: 'open' })).data, []);
      assert.equal((await token.errors.issues.events(issueId).list()).data[0]?.message, 'order is undefined');

      await key.apps.delete(app.id);
      await key.servers.delete(server.id);
      await key.projects.delete(project.id);
    } finally {
      await testServer.close();
    }
  });
});

describe('Retries', () => {
  test('a GET is retried after a network error and after 503, and then succeeds', async () => {
    const { requests, send } = respondWith(
      new TypeError('down'),
      problem('unavailable', 503, 0),
      json(200, { id: 'x' }),
    );
    assert.deepEqual(await createClient({ fetch: send }).me.get(), { id: 'x' });
    assert.equal(requests.length, 3);
  });

  test('a POST is retried only if the response shows that the server did not process it', async () => {
    const disconnected = respondWith(new TypeError('down'));
    await assert.rejects(createClient({ fetch: disconnected.send }).workspaces.create({ name: 'Acme' }), {
      code: 'unreachable',
    });
    assert.equal(disconnected.requests.length, 1);
    const limited = respondWith(problem('rate_limited', 429, 0), json(201, { id: 'w' }));
    assert.deepEqual(await createClient({ fetch: limited.send }).workspaces.create({ name: 'Acme' }), { id: 'w' });
  });

  test('pauses are random, grow, and include Retry-After; a long Retry-After prevents a retry', () => {
    const error = (status: number, retryAfter?: number) =>
      new DevpilotError('unavailable', 'No.', { status, retryAfter });
    assert.equal(retryPauseMs('GET', error(0), 0, 0), 125);
    assert.equal(retryPauseMs('GET', error(0), 1, 0.5), 500);
    assert.equal(retryPauseMs('GET', error(503, 2), 0, 0), 2125);
    assert.equal(retryPauseMs('GET', error(429, 900), 0, 0), null);
    assert.equal(retryPauseMs('GET', error(429), 0, 0), null);
    assert.equal(retryPauseMs('GET', error(404), 0, 0), null);
    assert.equal(retryPauseMs('DELETE', error(503, 1), 0, 0), null);
  });

  test("a request ends on the caller's signal, and a timeout is reported", async () => {
    const neverResponding = ((_url: string, init: RequestInit) =>
      new Promise((_resolve, reject) => {
        init.signal?.addEventListener('abort', () => reject(init.signal?.reason), { once: true });
      })) as typeof fetch;
    const client = createClient({ fetch: neverResponding, retries: 0 });
    await assert.rejects(client.me.get({ timeout: 5 }), { code: 'timed_out' });
    const controller = new AbortController();
    const pending = client.me.get({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(pending, { message: 'enough' });
  });
});

describe('Reading a log', () => {
  const line = (text: string) => ({
    at: '2027-02-24T09:00:00.000Z',
    stream: 'stdout',
    step: null,
    serverId: null,
    text,
  });
  const encoded = (...texts: string[]) => texts.map((text) => `${JSON.stringify(line(text))}\n`).join('');

  test('after a lost connection, even within a line, the stream continues with the next line', async () => {
    const interrupted = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`${encoded('one', 'zwölf')}{"at":"2027`));
      },
      pull(controller) {
        controller.error(new TypeError('terminated'));
      },
    });
    const { requests, send } = respondWith(new Response(interrupted), new Response(encoded('three')));
    const texts = [];
    for await (const { text } of createClient({ fetch: send }).runs.logs('run_1', { follow: true, from: 4 })) {
      texts.push(text);
    }
    assert.deepEqual(texts, ['one', 'zwölf', 'three']);
    assert.deepEqual(
      requests.map(({ url }) => url),
      ['/v1/runs/run_1/logs?from=4&follow=true', '/v1/runs/run_1/logs?from=6&follow=true'],
    );
  });

  test('a stream that is interrupted again and again fails as unreachable', async ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    const interrupt = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull(controller) {
            controller.error(new TypeError('terminated'));
          },
        }),
      );
    const { requests, send } = respondWith(...Array.from({ length: 6 }, interrupt));
    const reading = assert.rejects(Array.fromAsync(createClient({ fetch: send }).runs.logs('run_1')), {
      name: 'DevpilotError',
      code: 'unreachable',
    });
    while (requests.length < 6) {
      await new Promise(setImmediate);
      mock.timers.tick(60_000);
    }
    await reading;
  });

  test("reading fails when the server refuses the request, and on the caller's signal", async () => {
    const refused = respondWith(problem('not_found', 404));
    await assert.rejects(Array.fromAsync(createClient({ fetch: refused.send }).runs.logs('run_1')), {
      code: 'not_found',
    });
    const controller = new AbortController();
    const silent = new ReadableStream<Uint8Array>({
      start(stream) {
        controller.signal.addEventListener('abort', () => stream.error(controller.signal.reason));
      },
    });
    const { send } = respondWith(new Response(silent));
    const lines = createClient({ fetch: send }).runs.logs('run_1', { follow: true }, { signal: controller.signal });
    const next = lines.next();
    controller.abort(new Error('enough'));
    await assert.rejects(next, { message: 'enough' });
  });

  test('a stream has no time limit after it has started', async ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    let streamController: ReadableStreamDefaultController<Uint8Array> | undefined;
    const slow = new ReadableStream<Uint8Array>({
      start(controller) {
        streamController = controller;
      },
    });
    const { requests, send } = respondWith(new Response(slow));
    const lines = createClient({ fetch: send }).runs.logs('run_1', { follow: true }, { timeout: 1 });
    const next = lines.next();
    await new Promise(setImmediate);
    mock.timers.tick(60_000);
    assert.equal(requests[0]?.init.signal?.aborted, false);
    streamController?.enqueue(new TextEncoder().encode(encoded('late')));
    assert.equal((await next).value?.text, 'late');
    await lines.return();
  });
});

describe('Requests', () => {
  test('contain the workspace, the credential, and the passphrase in UTF-8; IDs in paths are encoded', async () => {
    const { requests, send } = respondWith(json(200, {}));
    const client = createClient({
      url: 'https://devpilot.example.com',
      credential: SECRET,
      passphrase: 'grün',
      workspace: 'acme',
      fetch: send,
    });
    await client.apiKeys.get('../people?x=1');
    const headers = new Headers(requests[0]?.init.headers);
    assert.equal(requests[0]?.url, 'https://devpilot.example.com/v1/api-keys/..%2Fpeople%3Fx%3D1');
    assert.equal(headers.get('authorization'), `Bearer ${SECRET}`);
    assert.equal(headers.get('devpilot-workspace'), 'acme');
    assert.equal(headers.get('access-token-passphrase'), 'gr\u00c3\u00bcn');
  });

  test('errors never contain a secret', async () => {
    const { send } = respondWith(
      json(401, { code: 'invalid_token', detail: `${SECRET} is not valid`, requestId: 'r' }),
    );
    await assert.rejects(createClient({ credential: SECRET, fetch: send }).whoami(), (error: unknown) => {
      assert.ok(error instanceof DevpilotError);
      assert.equal(error.message, '[secret] is not valid');
      assert.ok(!JSON.stringify(error).includes(SECRET) && !String(error.stack).includes(SECRET));
      return true;
    });
  });

  test('a response that did not come from Devpilot is reported as such', async () => {
    const html = respondWith(new Response('<html>', { status: 404 }));
    await assert.rejects(createClient({ fetch: html.send }).whoami(), { code: 'unexpected_answer', status: 404 });
  });

  test('a redirect is not followed', async () => {
    const redirected = respondWith(
      new Response(null, { status: 307, headers: { location: 'http://elsewhere.example.com/' } }),
    );
    const redirectedClient = createClient({
      url: 'http://user:pass@devpilot.example.com',
      credential: SECRET,
      fetch: redirected.send,
    });
    await assert.rejects(redirectedClient.whoami(), {
      code: 'unexpected_answer',
      status: 307,
      message: 'http://devpilot.example.com redirects to another URL, which is not followed.',
    });
    assert.deepEqual([redirected.requests.length, redirected.requests[0]?.init.redirect], [1, 'manual']);
  });
});
