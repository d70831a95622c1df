import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { serve } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import type { RestrictionsInput } from '../src/contract/restrictions.ts';
import { SCOPES } from '../src/contract/vocabulary.ts';
import { type GuardOptions, guard, type Identity } from '../src/sdk/guard.ts';
import {
  bearer,
  createKey,
  createToken,
  createWorkspaceFor,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';

/** A third-party service with one guarded route that returns the caller's identity. */
interface GuardedServer {
  readonly url: string;
  close(): Promise<unknown> | unknown;
}
type StartServer = (options: GuardOptions) => Promise<GuardedServer>;

/** Number of requests that reached the guarded route since the last call of `sendRequest`. */
let routeCalls = 0;
const countAndSerialize = (identity: Identity | null) => {
  routeCalls++;
  return JSON.stringify(identity);
};
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

const SERVERS: Readonly<Record<string, StartServer>> = {
  async Fastify(options) {
    const app = fastify();
    const devpilot = guard(options);
    await app.register(devpilot.fastify);
    app.get('/orders', (request) => countAndSerialize(devpilot.identityOf(request)));
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
  },
  async Express(options) {
    const app = express();
    const devpilot = guard(options);
    app.use(devpilot.express);
    app.get('/orders', (incoming, response) => void response.send(countAndSerialize(devpilot.identityOf(incoming))));
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return { url: `http://127.0.0.1:${portOf(server)}`, close: () => Promise.all([devpilot.close(), server.close()]) };
  },
  async Hono(options) {
    const app = new Hono();
    const devpilot = guard(options);
    app.use(devpilot.hono);
    app.get('/orders', (context) => context.text(countAndSerialize(devpilot.identityOf(context.req.raw))));
    return new Promise((resolve) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
        resolve({ url: `http://127.0.0.1:${port}`, close: () => Promise.all([devpilot.close(), server.close()]) }),
      );
    });
  },
  async 'a wrapped handler'(options) {
    const devpilot = guard(options);
    const handler = devpilot.wrap((_request, identity) => new Response(countAndSerialize(identity)));
    return new Promise((resolve) => {
      const server = serve({ fetch: handler, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
        resolve({ url: `http://127.0.0.1:${port}`, close: () => Promise.all([devpilot.close(), server.close()]) }),
      );
    });
  },
};

let testServer: TestServer;
let owner: TestPerson;
before(async () => {
  testServer = await startTestServer({ environment: { DEVPILOT_TRUST_PROXY: '127.0.0.1' } });
  owner = await signUpOwner(testServer);
});
after(() => testServer.close());

const sendRequest = async (url: string, headers: Readonly<Record<string, string>> = {}, path = '/orders') => {
  routeCalls = 0;
  const response = await fetch(url + path, { headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, routeCalls };
};

const MODES = ['ask', 'lease'] as const;

const SERVERS_IN_MODES = Object.entries(SERVERS).flatMap(([name, start]) =>
  MODES.map((mode) => ({ name, start, mode })),
);

for (const { name, start, mode } of SERVERS_IN_MODES) {
  describe(`guard in ${name}, mode ${mode}`, () => {
    let server: GuardedServer;
    let apiKey: string;
    before(async () => {
      ({ secret: apiKey } = await createKey(owner, ['read'], { guard: true }));
      server = await start({ url: testServer.url, scope: 'modify_env', workspace: owner.workspaceId, mode, apiKey });
    });
    after(() => server.close());

    test('accepts a token with the scope, and returns its identity', async () => {
      const token = await createToken(owner, ['modify_env', 'run_scripts'], { name: 'Döner & Söhne' });
      const { status, text } = await sendRequest(server.url, bearer(token.secret));
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(text), {
        credentialId: token.id,
        kind: 'access_token',
        name: 'Döner & Söhne',
        workspaceId: owner.workspaceId,
        scopes: ['modify_env', 'run_scripts'],
        permissions: [],
      });
      const allScopesToken = await createToken(owner, ['all']);
      assert.deepEqual(JSON.parse((await sendRequest(server.url, bearer(allScopesToken.secret))).text).scopes, SCOPES);
    });

    test('rejects any request without a valid token that has the scope, and does not call the route', async () => {
      const tokenWithoutScope = await createToken(owner, ['run_scripts']);
      const key = await createKey(owner, ['read']);
      const tokenOfOtherWorkspace = await createToken(
        await createWorkspaceFor(owner, testServer, `Other workspace ${name} ${mode}`),
        ['all'],
      );
      const cases: readonly [Readonly<Record<string, string>>, number, string][] = [
        [{}, 401, 'missing_credential'],
        [bearer('garbage'), 401, 'invalid_token'],
        [bearer(tokenWithoutScope.secret), 403, 'insufficient_scope'],
        [{ 'x-api-key': key.secret }, 403, 'wrong_credential_kind'],
        [{ ...bearer(tokenWithoutScope.secret), 'x-api-key': key.secret }, 401, 'invalid_request'],
        [bearer(tokenOfOtherWorkspace.secret), 401, 'invalid_token'],
      ];
      for (const [headers, expected, code] of cases) {
        const { status, text, routeCalls: calls, headers: responseHeaders } = await sendRequest(server.url, headers);
        assert.deepEqual([status, JSON.parse(text).code, calls], [expected, code, 0]);
        assert.match(responseHeaders.get('content-type') ?? '', /problem\+json/);
        assert.match(responseHeaders.get('www-authenticate') ?? '', /Bearer/);
      }
    });

    test('forwards the passphrase byte for byte', async () => {
      const token = await createToken(owner, ['modify_env'], { passphrase: 'schöne Passphrase' });
      const right = Buffer.from('schöne Passphrase').toString('latin1');
      assert.equal((await sendRequest(server.url, bearer(token.secret))).status, 401);
      const { status } = await sendRequest(server.url, { ...bearer(token.secret), 'access-token-passphrase': right });
      assert.equal(status, 200);
    });

    test('a deleted token is rejected at the next request (unlike in CVE-2026-46554)', async () => {
      const token = await createToken(owner, ['modify_env']);
      assert.equal((await sendRequest(server.url, bearer(token.secret))).status, 200);
      assert.equal((await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status, 204);
      assert.equal((await sendRequest(server.url, bearer(token.secret))).status, 401);
    });

    test('a request with two Authorization headers is rejected', async () => {
      const token = await createToken(owner, ['modify_env']);
      const status = await new Promise((resolve) => {
        const headers = ['Host', 'x', 'Authorization', `Bearer ${token.secret}`, 'Authorization', 'Bearer garbage'];
        request(`${server.url}/orders`, { headers }, (response) => resolve(response.resume().statusCode)).end();
      });
      assert.equal(status, 401);
    });

    test('unusual paths are guarded too (unlike in CVE-2026-33808)', async () => {
      for (const path of ['//orders', '/orders;x', '/orders/', '/%6frders', '/nothing']) {
        assert.deepEqual(
          await sendRequest(server.url, {}, path).then(({ status, routeCalls: calls }) => [status, calls]),
          [401, 0],
        );
      }
    });

    test('responds with 503 while Devpilot is down or slow, or if the URL leads to another server', async () => {
      const token = await createToken(owner, ['modify_env']);
      const wrongServer = createServer((incoming, response) => {
        if (incoming.headers.authorization === 'Bearer slow') return;
        const isMoved = incoming.headers.authorization === 'Bearer moved';
        response
          .writeHead(isMoved ? 302 : 200, isMoved ? { location: `${testServer.url}/healthz` } : {})
          .end('welcome');
      });
      await new Promise<void>((resolve) => wrongServer.listen(0, '127.0.0.1', () => resolve()));
      const wrongServerUrl = `http://127.0.0.1:${portOf(wrongServer)}`;
      const unreachable = await start({ url: 'http://127.0.0.1:9', scope: 'modify_env', timeout: 100, mode, apiKey });
      const misdirected = await start({ url: wrongServerUrl, scope: 'modify_env', timeout: 100, mode, apiKey });
      const wrongServerModes = mode === 'ask' ? (['slow', 'moved'] as const) : [];
      for (const [guardedServer, secret] of [
        [unreachable, token.secret],
        [misdirected, token.secret],
        ...wrongServerModes.map((wrongServerMode) => [misdirected, wrongServerMode] as const),
      ] as const) {
        const { status, text, routeCalls: calls } = await sendRequest(guardedServer.url, bearer(secret));
        assert.deepEqual([status, JSON.parse(text).code, calls], [503, 'unavailable', 0]);
      }
      wrongServer.closeAllConnections();
      wrongServer.close();
      await unreachable.close();
      await misdirected.close();
    });
  });
}

for (const mode of MODES) {
  test(`the restrictions of a token are enforced in mode ${mode}, and a refusal by the rate limit says when to retry`, async (t) => {
    const project = await owner.call<{ id: string }>('/v1/projects', { body: { name: `Project ${mode}` } });
    for (const name of ['shop', 'blog']) {
      const body = { name, slug: `${name}-${mode}`, projectId: project.body.id };
      assert.equal((await owner.call('/v1/apps', { body })).status, 201);
    }
    const { secret: apiKey } = await createKey(owner, ['read'], { guard: true });
    const guardFor = (resource?: `app:${string}`) => {
      const options = { url: testServer.url, scope: 'modify_env', mode, apiKey } as const;
      const devpilot = guard({ ...options, ...(resource !== undefined && { resource }) });
      t.after(() => devpilot.close());
      const handler = devpilot.wrap(
        () => new Response(),
        (request) => request.headers.get('x-client'),
      );
      return { devpilot, handler };
    };
    const [shop, blog, anyApp] = [guardFor(`app:shop-${mode}`), guardFor(`app:blog-${mode}`), guardFor()];
    for (const { devpilot } of [shop, blog, anyApp]) assert.equal(await devpilot.ready(), mode === 'lease');
    const send = (target: typeof anyApp, secret: string, client = '203.0.113.7') =>
      target.handler(new Request('http://x/', { headers: { ...bearer(secret), 'x-client': client } }));
    const createRestricted = async (restrictions: RestrictionsInput) =>
      (await createToken(owner, ['modify_env'], { restrictions })).secret;

    const unrestricted = await createToken(owner, ['modify_env']);
    const shopToken = await createRestricted({ apps: [`shop-${mode}`], addresses: ['203.0.113.0/24'] });
    const projectToken = await createRestricted({ projects: [project.body.id] });
    const cases = [
      [shop, unrestricted.secret, '192.0.2.1', 200],
      [shop, shopToken, '203.0.113.7', 200],
      [anyApp, shopToken, '203.0.113.7', 200],
      [blog, shopToken, '203.0.113.7', 403],
      [shop, shopToken, '192.0.2.1', 403],
      [shop, projectToken, '192.0.2.1', 200],
      [blog, projectToken, '192.0.2.1', 200],
    ] as const;
    // Twice, because the second time a guard in lease mode decides from its cache.
    for (const [target, secret, client, status] of [...cases, ...cases])
      assert.equal((await send(target, secret, client)).status, status, `${client} ${status}`);

    const rateLimited = await createRestricted({ rate: { requests: 2, seconds: 3600 } });
    const statuses = [];
    for (let use = 0; use < 3; use++) statuses.push((await send(anyApp, rateLimited)).status);
    const refusal = await send(anyApp, rateLimited);
    assert.deepEqual([...statuses, ((await refusal.json()) as { code: string }).code], [200, 200, 403, 'rate_limited']);
    const { headers } = refusal;
    assert.equal(headers.get('ratelimit-policy'), '"credential";q=2;w=3600');
    assert.equal(headers.get('ratelimit'), `"credential";r=0;t=${headers.get('retry-after')}`);
    const singleUse = await createRestricted({ maxUses: 1 });
    const parallel = await Promise.all(
      Array.from({ length: 30 }, (_, index) => send(index % 2 === 0 ? anyApp : shop, singleUse)),
    );
    assert.equal(parallel.filter(({ status }) => status === 200).length, 1);
  });
}

test('a permission requires a key; an empty requirement or an unknown value is rejected when the guard is created', async () => {
  const { url } = testServer;
  const handler = guard({ url, permission: ['read', 'write'] }).wrap((_request, { kind }) => new Response(kind));
  const statusOf = async (secret: string) =>
    (await handler(new Request('http://x/', { headers: bearer(secret) }))).status;
  assert.equal(await statusOf((await createKey(owner, ['read', 'write'])).secret), 200);
  assert.equal(await statusOf((await createKey(owner, ['read'])).secret), 403);
  assert.equal(await statusOf((await createToken(owner, ['all'])).secret), 403);
  assert.throws(() => guard({ url }), /set a scope, a permission/);
  assert.throws(() => guard({ url, scope: [] }), TypeError);
  assert.throws(() => guard({ url, scope: 'all', resource: 'shop' as 'app:shop' }), TypeError);
  assert.throws(() => guard({ url, scope: 'everything' as 'all' }), TypeError);
  assert.ok(guard({ url, any: true }));
  assert.throws(() => guard({ url, any: true, mode: 'lease' }), /API key/);
  assert.throws(
    () => guard({ url, any: true, apiKey: 'a secret of mine' }),
    (error: Error) => !/mine/.test(error.message),
  );
});

test('Fastify: AsyncLocalStorage of a request is preserved while requests of the same event loop turn are authorized together', async () => {
  const requestNumbers = new AsyncLocalStorage<string>();
  const { secret: apiKey } = await createKey(owner, ['read'], { guard: true });
  const { secret } = await createToken(owner, ['modify_env']);
  const app = fastify();
  const devpilot = guard({ url: testServer.url, scope: 'modify_env', mode: 'lease', apiKey });
  app.addHook('onRequest', (incoming, _reply, done) => requestNumbers.run(String(incoming.headers['x-number']), done));
  await app.register(devpilot.fastify);
  app.get('/orders', () => requestNumbers.getStore());
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  try {
    assert.equal(await devpilot.ready(), true);
    const requestWithNumber = async (number: number) => {
      const response = await fetch(`${url}/orders`, { headers: { ...bearer(secret), 'x-number': String(number) } });
      return [response.status, await response.text()];
    };
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    // The first requests are authorized by the server and the later ones from the cache.
    assert.deepEqual(
      await Promise.all(numbers.map(requestWithNumber)),
      numbers.map((number) => [200, String(number)]),
    );
    assert.deepEqual(
      await Promise.all(numbers.map(requestWithNumber)),
      numbers.map((number) => [200, String(number)]),
    );
  } finally {
    await app.close();
  }
});
