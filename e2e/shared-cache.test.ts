import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { freePort } from '../src/testing/postgres.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import {
  bearer,
  createKey,
  createToken,
  sendRequest,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import { readGuideBlock } from './proxy-fixture.ts';

let testServer: TestServer;
let owner: TestPerson;
/**
 * The URL of Varnish in front of all of Devpilot, with Varnish's default configuration, which is the worst case.
 */
let cacheUrl: string;
const directory = temporaryDirectory();
// Varnish compiles configurations as a user of its own.
chmodSync(directory, 0o755);
const running: ChildProcess[] = [];

/** Starts Varnish and returns its URL once it responds. */
async function startVarnish(source: readonly string[]): Promise<string> {
  const port = await freePort();
  const args = ['-F', '-n', join(directory, `work-${port}`), '-a', `127.0.0.1:${port}`, ...source];
  const storage = ['-s', 'malloc,16m', '-p', 'thread_pool_min=5', '-p', 'thread_pools=1', '-p', 'vsl_space=1m'];
  const varnish = spawn('varnishd', [...args, ...storage], { stdio: 'ignore' });
  running.push(varnish);
  const url = `http://127.0.0.1:${port}`;
  await until(async () => {
    if (varnish.exitCode !== null) throw new Error(`varnishd ended with ${varnish.exitCode}`);
    return fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  return url;
}

before(async () => {
  ensureCommand('varnishd', 'varnish');
  testServer = await startTestServer();
  owner = await signUpOwner(testServer);
  cacheUrl = await startVarnish(['-b', new URL(testServer.url).host]);
});
after(async () => {
  for (const varnish of running) {
    const ended = varnish.exitCode === null && new Promise((resolve) => varnish.once('exit', resolve));
    varnish.kill('SIGTERM');
    await ended;
  }
  await testServer.close();
});

/** Varnish reports two request IDs for a cache hit: this request, and the one that filled the cache. */
const isCacheHit = (headers: Headers) => (headers.get('x-varnish') ?? '').includes(' ');

test('a shared cache returns no decision and no identity to a request without a credential', async () => {
  const key = await createKey(owner, ['read']);
  const token = await createToken(owner, ['modify_env']);
  const credentialHeaders: readonly Record<string, string>[] = [{ 'x-api-key': key.secret }, bearer(token.secret)];
  const paths = ['/v1/authorize', '/v1/authorize?permission=read', '/v1/authorize?scope=modify_env', '/v1/whoami'];
  let accepted = 0;
  for (const path of paths) {
    for (const headers of credentialHeaders) {
      for (const method of ['GET', 'HEAD']) {
        const withCredential = await sendRequest(cacheUrl, path, { method, headers });
        if (withCredential.status === 200) accepted++;
        assert.equal(withCredential.headers.get('cache-control'), 'no-store', `${method} ${path}`);
        const withoutCredential = await sendRequest(cacheUrl, path, { method });
        const label = `${method} ${path} after ${Object.keys(headers)}`;
        assert.deepEqual([withoutCredential.status, isCacheHit(withoutCredential.headers)], [401, false], label);
        assert.equal(withoutCredential.headers.get('devpilot-credential-id') ?? '', '', label);
      }
    }
  }
  // Of the 16 requests, the four that require a right of the other kind of credential are refused.
  assert.equal(accepted, 12);
});

test('a shared cache stores no rejection', async () => {
  const key = await createKey(owner, ['read']);
  for (const path of ['/v1/authorize?permission=read&x=1', '/v1/authorize?permission=deploy', '/v1/projects/unknown']) {
    const refused = await sendRequest(cacheUrl, path, { headers: { 'x-api-key': key.secret } });
    const repeated = await sendRequest(cacheUrl, path, { headers: { 'x-api-key': key.secret } });
    assert.ok(refused.status >= 400, path);
    assert.equal(refused.headers.get('cache-control'), 'no-store', path);
    assert.equal(isCacheHit(repeated.headers), false, path);
  }
});

test('a shared cache returns the data read by a key to no request without a credential', async () => {
  const key = await createKey(owner, ['read', 'manage_apps']);
  for (const path of ['/v1/projects', '/v1/apps', '/v1/servers', '/v1/scripts']) {
    assert.equal((await sendRequest(cacheUrl, path, { headers: { 'x-api-key': key.secret } })).status, 200);
    assert.equal((await sendRequest(cacheUrl, path)).status, 401, path);
  }
  const introspection = await sendRequest(cacheUrl, '/v1/introspect', {
    body: new URLSearchParams({ token: key.secret }),
    headers: { 'x-api-key': key.secret },
  });
  assert.equal(introspection.headers.get('cache-control'), 'no-store');
});

test('varnish.md: responses of a service that sends no cache headers leak by default, and do not with the configuration of the guide', async () => {
  // The service of the guide: its response depends on the credential, and Varnish decides how long to cache it.
  const service = createServer(({ headers }, response) => {
    const name = headers['x-api-key'] ?? headers['authorization'] ?? headers['devpilot-credential-id'] ?? 'nobody';
    response.end(`for ${name}`);
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const { port } = service.address() as AddressInfo;
  try {
    const file = join(directory, 'guide.vcl');
    writeFileSync(file, readGuideBlock('varnish.md', 'vcl', { '8080': String(port) }));
    const [byDefault, configured] = await Promise.all([
      startVarnish(['-b', `127.0.0.1:${port}`]),
      startVarnish(['-f', file]),
    ]);
    const fetchTexts = async (url: string, path: string, requests: readonly Readonly<Record<string, string>>[]) => {
      const texts: string[] = [];
      for (const headers of requests) texts.push(await (await fetch(`${url}${path}`, { headers })).text());
      return texts;
    };
    const key = [{ 'x-api-key': 'secret' }, {}];
    const token = [{ authorization: 'Bearer secret' }, {}];
    const identity = [{ 'devpilot-credential-id': 'tok_1' }, { 'devpilot-credential-id': 'tok_2' }];
    assert.deepEqual(await fetchTexts(byDefault, '/key', key), ['for secret', 'for secret']);
    assert.deepEqual(await fetchTexts(byDefault, '/token', token), ['for Bearer secret', 'for nobody']);
    assert.deepEqual(await fetchTexts(byDefault, '/identity', identity), ['for tok_1', 'for tok_1']);
    assert.deepEqual(await fetchTexts(configured, '/key', key), ['for secret', 'for nobody']);
    assert.deepEqual(await fetchTexts(configured, '/token', token), ['for Bearer secret', 'for nobody']);
    assert.deepEqual(await fetchTexts(configured, '/identity', identity), ['for tok_1', 'for tok_2']);
    // Responses are still cached for the credential that requested them, behind the authorizing proxy.
    const [firstIdentity] = identity;
    const repeated = await fetch(`${configured}/identity`, { headers: firstIdentity ?? {} });
    assert.ok(isCacheHit(repeated.headers));
  } finally {
    service.close();
    service.closeAllConnections();
  }
});
