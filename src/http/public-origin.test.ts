import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import {
  cookieOf,
  PASSWORD,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../testing/test-server.ts';
import { isKnownHost } from './public-origin.ts';

test('without a public URL, only localhost, loopback addresses, the local address and the host in HOST are known', () => {
  const listener = { host: 'box.lan', address: '::ffff:192.168.1.5' };
  const KNOWN_HOSTS = [
    'localhost',
    'LOCALHOST:4000',
    '127.0.0.1:4000',
    '127.9.9.9',
    '[::1]:4000',
    '192.168.1.5:80',
    'box.lan:4',
  ];
  for (const host of KNOWN_HOSTS) assert.ok(isKnownHost(host, listener), host);
  const UNKNOWN_HOSTS = [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.1.6',
    '[::2]',
    '',
    'a b',
  ];
  const MALFORMED_HOSTS = [
    'localhost/"x',
    'evil@localhost',
    'localhost#',
    'localhost?x',
    'localhost:port',
    'x\\localhost',
  ];
  for (const host of [...UNKNOWN_HOSTS, ...MALFORMED_HOSTS]) assert.ok(!isKnownHost(host, listener), host);
});

interface TextResponse {
  readonly status: number;
  readonly body: string;
}

/** Sends a request whose `Host` differs from its destination, as a DNS rebinding attack does. */
function send(url: string, path: string, headers: Record<string, string>, body?: unknown): Promise<TextResponse> {
  return new Promise((resolve, reject) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const outgoing = request(url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...json },
    });
    outgoing.on('error', reject).on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve({ status: response.statusCode ?? 0, body: text });
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

describe('a server without DEVPILOT_PUBLIC_URL', () => {
  let testServer: TestServer;
  let owner: TestPerson;
  before(async () => {
    testServer = await startTestServer();
    owner = await signUpOwner(testServer);
  });
  after(() => testServer.close());

  test('a same-origin page under an unknown host name (DNS rebinding) cannot sign in or change anything', async () => {
    const host = 'evil.example:4000';
    const page = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin', cookie: owner.cookie };
    const changed = await send(testServer.url, '/v1/workspaces', page, { name: 'Forged' });
    assert.equal(changed.status, 403);
    assert.match(changed.body, /DEVPILOT_PUBLIC_URL/);
    const signIn = { email: owner.email, password: PASSWORD };
    assert.equal((await send(testServer.url, '/v1/sessions', { host }, signIn)).status, 403);
    assert.equal((await send(testServer.url, '/v1/sessions/passkey/options', { host }, {})).status, 403);
  });

  test('URLs in responses never contain an unknown host name', async () => {
    const port = new URL(testServer.url).port;
    for (const [host, expected] of [
      ['evil.example', testServer.url],
      [`localhost:${port}`, `http://localhost:${port}`],
    ] as const) {
      const started = JSON.parse((await send(testServer.url, '/v1/device/code', { host }, {})).body);
      assert.equal(started.verification_uri, `${expected}/device`);
      const metadata = JSON.parse(
        (await send(testServer.url, '/.well-known/oauth-authorization-server', { host })).body,
      );
      assert.equal(metadata.issuer, expected);
      const document = JSON.parse((await send(testServer.url, '/openapi.json', { host })).body);
      assert.deepEqual([document.servers[0].url, document.info.contact.url], [expected, expected]);
    }
  });

  test('a request with the cookie and another Origin is refused even if Sec-Fetch-Site is same-origin', async () => {
    const headers = { cookie: owner.cookie, origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' };
    const refused = await testServer.call('/v1/workspaces', { headers, body: { name: 'Forged' } });
    assert.equal(refused.status, 403);
  });
});

test('HTTPS requests accept only the cookie with the prefix __Host-, and HTTP requests only the one without', async () => {
  const testServer = await startTestServer({ environment: { DEVPILOT_TRUST_PROXY: '127.0.0.0/8' } });
  const owner = await signUpOwner(testServer);
  const secret = owner.cookie.replace(/^devpilot=/, '');
  const httpsHeaders = { 'x-forwarded-proto': 'https' };
  const getMe = (cookie: string, headers: Record<string, string> = {}) =>
    testServer.call('/v1/me', { headers: { cookie, ...headers } });
  assert.equal((await getMe(`devpilot=${secret}`)).status, 200);
  assert.equal((await getMe(`__Host-devpilot=${secret}`)).status, 401);
  assert.equal((await getMe(`__Host-devpilot=${secret}`, httpsHeaders)).status, 200);
  assert.equal((await getMe(`devpilot=${secret}`, httpsHeaders)).status, 401);
  // A cookie set by a sibling subdomain does not disturb the session either.
  assert.equal((await getMe(`devpilot=theirs; __Host-devpilot=${secret}`, httpsHeaders)).status, 200);
  const signedIn = await testServer.call('/v1/sessions', {
    headers: httpsHeaders,
    body: { email: owner.email, password: PASSWORD },
  });
  assert.ok(cookieOf(signedIn).startsWith('__Host-devpilot='));
  await testServer.close();
});
