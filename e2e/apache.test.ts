import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensureApache } from '../src/testing/debian-packages.ts';
import { freePort } from '../src/testing/postgres.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
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
import {
  type CaddyProcess,
  type InterruptibleConnection,
  type ProtectedService,
  readGuideBlock,
  sendRawRequest,
  startCaddy,
  startInterruptibleConnection,
  startProtectedService,
  waitUntilListening,
} from './proxy-fixture.ts';

/** The modules that Debian enables by default and that the guide's configuration uses. */
const DEFAULT_MODULES = ['mpm_event', 'authn_core', 'authz_core', 'authz_host', 'authz_user'];
/** Returns the modules that the guide enables. */
const readGuideModules = () =>
  /^a2enmod (.*)$/m.exec(readFileSync(new URL('../docs/guides/apache.md', import.meta.url), 'utf8'))?.[1]?.split(' ');

const directory = temporaryDirectory();
let testServer: TestServer;
let owner: TestPerson;
let service: ProtectedService;
let connection: InterruptibleConnection;
let caddy: CaddyProcess;
let apache: ChildProcess;
let port: number;

before(async () => {
  ensureApache();
  const tlsPort = await freePort();
  const origin = `https://localhost:${tlsPort}`;
  testServer = await startTestServer({
    environment: { DEVPILOT_PUBLIC_URL: origin, DEVPILOT_TRUST_PROXY: '127.0.0.1' },
  });
  owner = await signUpOwner(testServer);
  const key = await createKey(owner, ['read']);
  service = await startProtectedService();
  connection = await startInterruptibleConnection(Number(new URL(testServer.url).port));
  caddy = await startCaddy(directory, tlsPort, `http://127.0.0.1:${connection.port}`);
  port = await freePort();
  const block = readGuideBlock('apache.md', 'apache', {
    'https://devpilot.example.com': origin,
    'dp_…': key.secret,
    '*:80': `127.0.0.1:${port}`,
    '127.0.0.1:8080': `127.0.0.1:${service.port}`,
  });
  const modules = [...DEFAULT_MODULES, ...(readGuideModules() ?? [])].map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  );
  const configurationFile = join(directory, 'apache2.conf');
  const baseDirectives = [`ServerName localhost`, `ServerRoot ${directory}`, `PidFile ${directory}/pid`];
  const testDirectives = [
    `ErrorLog ${directory}/error.log`,
    `Listen 127.0.0.1:${port}`,
    `OIDCCABundlePath ${caddy.authorityFile}`,
  ];
  writeFileSync(configurationFile, [...baseDirectives, ...modules, ...testDirectives, block].join('\n'));
  // -X: a single process that stays in the foreground.
  apache = spawn('/usr/sbin/apache2', ['-X', '-f', configurationFile], { stdio: 'ignore' });
  await waitUntilListening(port, apache, () => readFileSync(join(directory, 'error.log'), 'utf8'));
});
after(async () => {
  const ended = new Promise((resolve) => apache.once('exit', resolve));
  apache.kill('SIGTERM');
  await ended;
  await caddy.close();
  connection.close();
  service.close();
  await testServer.close();
});

/** Sends a request through Apache. Returns the response and the requests that reached the service. */
async function sendThroughProxy(headers: Readonly<Record<string, string>>, options = {}) {
  service.requests.length = 0;
  const response = await sendRawRequest(port, headers, options);
  return { ...response, reached: [...service.requests] };
}

test('a token with the scope is accepted, and the service receives the identity but not the secret', async () => {
  const token = await createToken(owner, ['run_scripts', 'modify_env']);
  const allScopesToken = await createToken(owner, ['all']);
  const basic = Buffer.from(`x:${token.secret}`).toString('base64');
  for (const [headers, id, scopes] of [
    [bearer(token.secret), token.id, /^modify_env run_scripts$|^run_scripts modify_env$/],
    [{ authorization: `Basic ${basic}` }, token.id, /\bmodify_env\b/],
    [bearer(allScopesToken.secret), allScopesToken.id, /^all .*\bmodify_env\b/],
  ] as const) {
    const { status, reached } = await sendThroughProxy(headers, {
      method: 'POST',
      path: '/orders?x=1',
      body: 'a body',
    });
    assert.equal(status, 200);
    assert.deepEqual([reached[0]?.url, reached[0]?.body], ['/orders?x=1', 'a body']);
    assert.equal(reached[0]?.headers['devpilot-credential-id'], id);
    assert.equal(reached[0]?.headers['devpilot-workspace-id'], owner.workspaceId);
    assert.match(String(reached[0]?.headers['devpilot-scopes']), scopes);
    const raw = reached[0]?.raw.join('\n') ?? '';
    for (const secret of [token.secret, allScopesToken.secret, basic]) assert.ok(!raw.includes(secret));
  }
});

test('requests without a valid token that has the scope are refused', async () => {
  const tokenWithoutScope = await createToken(owner, ['run_scripts']);
  const tokenWithPassphrase = await createToken(owner, ['modify_env'], { passphrase: 'correct horse' });
  const tokenForOtherAddress = await createToken(owner, ['modify_env'], {
    restrictions: { addresses: ['203.0.113.7'] },
  });
  const key = await createKey(owner, ['read']);
  const tokenOfOtherWorkspace = await createToken(await createWorkspaceFor(owner, testServer, 'Globex'), ['all']);
  const cases: readonly [string, Readonly<Record<string, string>>, number][] = [
    ['no token', {}, 401],
    ['malformed token', bearer(`${tokenWithoutScope.secret.slice(0, -1)}_`), 401],
    ['missing scope', bearer(tokenWithoutScope.secret), 403],
    ['API key', bearer(key.secret), 403],
    ['missing passphrase', bearer(tokenWithPassphrase.secret), 401],
    [
      'passphrase, which Apache does not forward',
      { ...bearer(tokenWithPassphrase.secret), 'Access-Token-Passphrase': 'correct horse' },
      401,
    ],
    ['other address', bearer(tokenForOtherAddress.secret), 401],
    ['other workspace', bearer(tokenOfOtherWorkspace.secret), 401],
  ];
  for (const [name, headers, expected] of cases) {
    const { status, reached, headers: responseHeaders } = await sendThroughProxy(headers);
    assert.deepEqual({ name, status, reached: reached.length }, { name, status: expected, reached: 0 });
    if (expected === 401) assert.match(String(responseHeaders['www-authenticate']), /Bearer/);
  }
});

test('the next request with a deleted token is refused, even if the token had an expiry date', async () => {
  for (const options of [{}, { expiresAt: '2100-01-01T00:00:00.000Z' }]) {
    const token = await createToken(owner, ['modify_env'], options);
    for (let use = 0; use < 3; use++) assert.equal((await sendThroughProxy(bearer(token.secret))).status, 200);
    assert.equal((await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status, 204);
    const { status, reached } = await sendThroughProxy(bearer(token.secret));
    assert.deepEqual({ status, reached: reached.length }, { status: 401, reached: 0 });
  }
});

test('identity headers sent by the client never reach the service, however they are spelled', async () => {
  const token = await createToken(owner, ['modify_env']);
  for (const name of ['Devpilot-Scopes', 'Devpilot_Scopes', 'DEVPILOT-Credential_Id', 'devpilot-expires-at']) {
    const { reached } = await sendThroughProxy({ ...bearer(token.secret), [name]: 'forged' });
    assert.equal(reached.length, 0, name);
  }
  const { reached } = await sendThroughProxy({ ...bearer(token.secret), OIDC_CLAIM_scope: 'forged' });
  assert.ok(!reached[0]?.raw.includes('forged'));
});

test('requests are refused while Devpilot is down or slow, and accepted again afterwards', async () => {
  const token = await createToken(owner, ['modify_env']);
  for (const state of ['cut', 'stalled'] as const) {
    connection.set(state);
    const { status, reached } = await sendThroughProxy(bearer(token.secret));
    assert.deepEqual([status, reached.length], [401, 0], state);
    connection.set('open');
  }
  assert.equal((await sendThroughProxy(bearer(token.secret))).status, 200);
});
