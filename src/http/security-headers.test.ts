import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sendRawRequest } from '../testing/raw-http.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

/** Requests to each part of the server, valid and invalid ones. */
const REQUESTS: readonly [method: string, path: string, status: number][] = [
  ['GET', '/healthz', 200],
  ['GET', '/readyz', 200],
  ['GET', '/openapi.json', 200],
  ['GET', '/docs', 200],
  ['GET', '/docs/start.js', 200],
  ['GET', '/docs/problems/not_found', 200],
  ['GET', '/docs/problems/none', 404],
  ['GET', '/assets/none.js', 404],
  ['GET', '/nowhere', 404],
  ['GET', '/settings/a/b/c', 404],
  ['GET', '/v1/nowhere', 404],
  ['GET', '/v1/me', 401],
  ['POST', '/settings/members', 405],
  ['PUT', '/v1/me', 405],
];

// OWASP ASVS 5.0, requirements 3.4.1 to 3.4.8
describe('every response has the security headers, also for unknown paths', () => {
  let testServer: TestServer;
  before(async () => {
    testServer = await startTestServer({ environment: { DEVPILOT_TRUST_PROXY: '127.0.0.1' } });
  });
  after(() => testServer.close());

  for (const [method, path, status] of REQUESTS) {
    test(`${method} ${path}`, async () => {
      const response = await testServer.call(path, { method });
      assert.equal(response.status, status);
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
      assert.equal(response.headers.get('referrer-policy'), 'no-referrer');
      assert.equal(response.headers.get('cross-origin-opener-policy'), 'same-origin');
      const policy = response.headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.equal(response.headers.get('strict-transport-security'), null);
      const fromOtherOrigin = await testServer.call(path, { method, headers: { origin: 'https://shop.example.com' } });
      // Pages of other origins cannot read a response, as docs/guides/client.md explains.
      for (const headers of [response.headers, fromOtherOrigin.headers]) {
        assert.equal(headers.get('access-control-allow-origin'), null);
      }
      const behindProxy = await testServer.call(path, { method, headers: { 'x-forwarded-proto': 'https' } });
      assert.match(behindProxy.headers.get('strict-transport-security') ?? '', /max-age=31536000/);
    });
  }

  test('every response has Strict-Transport-Security if the public URL uses HTTPS', async () => {
    const httpsServer = await startTestServer({ environment: { DEVPILOT_PUBLIC_URL: 'https://devpilot.example.com' } });
    try {
      for (const path of ['/', '/nowhere', '/docs', '/v1/me']) {
        const { headers } = await httpsServer.call(path);
        assert.match(headers.get('strict-transport-security') ?? '', /max-age=31536000/, path);
      }
    } finally {
      await httpsServer.close();
    }
  });

  test('a malformed URL or HTTP message gets a problem response that browsers do not render as a page', async () => {
    for (const requestLine of ['GET /%zz HTTP/1.1', 'GET / HTTP/9.9']) {
      const { status, headers } = await sendRawRequest(testServer.url, [requestLine]);
      assert.equal(status, 400);
      assert.equal(headers.get('content-type'), 'application/problem+json');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
    }
  });
});
