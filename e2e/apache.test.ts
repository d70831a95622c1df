import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensureApache } from '../src/testing/debian-packages.ts';
import { freePort } from '../src/testing/postgres.ts';
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
  type Behind,
  blockOf,
  type CaddyProcess,
  send,
  startBehind,
  startCaddy,
  startWay,
  untilListening,
  type Way,
} from './proxy-fixture.ts';

/** The modules that Debian enables without the guide, as far as its configuration uses them. */
const DEFAULT_MODULES = ['mpm_event', 'authn_core', 'authz_core', 'authz_host', 'authz_user'];
const modulesOfGuide = () =>
  /^a2enmod (.*)$/m.exec(readFileSync(new URL('../docs/guides/apache.md', import.meta.url), 'utf8'))?.[1]?.split(' ');

const directory = mkdtempSync(join(tmpdir(), 'devpilot-apache-'));
let testServer: TestServer;
let owner: TestPerson;
let behind: Behind;
let way: Way;
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
  behind = await startBehind();
  way = await startWay(Number(new URL(testServer.url).port));
  caddy = await startCaddy(directory, tlsPort, `http://127.0.0.1:${way.port}`);
  port = await freePort();
  const block = blockOf('apache.md', 'apache', {
    'https://devpilot.example.com': origin,
    'dp_…': key.secret,
    '*:80': `127.0.0.1:${port}`,
    '127.0.0.1:8080': `127.0.0.1:${behind.port}`,
  });
  const modules = [...DEFAULT_MODULES, ...(modulesOfGuide() ?? [])].map(
    (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
  );
  const file = join(directory, 'apache2.conf');
  const machine = [`ServerName localhost`, `ServerRoot ${directory}`, `PidFile ${directory}/pid`];
  const own = [`ErrorLog ${directory}/error.log`, `Listen 127.0.0.1:${port}`, `OIDCCABundlePath ${caddy.authority}`];
  writeFileSync(file, [...machine, ...modules, ...own, block].join('\n'));
  // One process that stays in the foreground.
  apache = spawn('/usr/sbin/apache2', ['-X', '-f', file], { stdio: 'ignore' });
  await untilListening(port, apache, () => readFileSync(join(directory, 'error.log'), 'utf8'));
});
after(async () => {
  const ended = new Promise((resolve) => apache.once('exit', resolve));
  apache.kill('SIGTERM');
  await ended;
  await caddy.close();
  way.close();
  behind.close();
  await testServer.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Sends a request and returns its status and what reached the service in the meantime. */
async function askAndSee(headers: Readonly<Record<string, string>>, more = {}) {
  behind.seen.length = 0;
  const reply = await send(port, headers, more);
  return { ...reply, reached: [...behind.seen] };
}

test('a token with the scope is accepted, and the service receives the identity but not the secret', async () => {
  const token = await createToken(owner, ['run_scripts', 'modify_env']);
  const all = await createToken(owner, ['all']);
  const basic = Buffer.from(`x:${token.secret}`).toString('base64');
  for (const [headers, id, scopes] of [
    [bearer(token.secret), token.id, /^modify_env run_scripts$|^run_scripts modify_env$/],
    [{ authorization: `Basic ${basic}` }, token.id, /\bmodify_env\b/],
    [bearer(all.secret), all.id, /^all .*\bmodify_env\b/],
  ] as const) {
    const { status, reached } = await askAndSee(headers, { method: 'POST', path: '/things?x=1', body: 'a body' });
    assert.equal(status, 200);
    assert.deepEqual([reached[0]?.url, reached[0]?.body], ['/things?x=1', 'a body']);
    assert.equal(reached[0]?.headers['devpilot-credential-id'], id);
    assert.equal(reached[0]?.headers['devpilot-workspace-id'], owner.workspaceId);
    assert.match(String(reached[0]?.headers['devpilot-scopes']), scopes);
    const raw = reached[0]?.raw.join('\n') ?? '';
    for (const secret of [token.secret, all.secret, basic]) assert.ok(!raw.includes(secret));
  }
});

test('everything else is refused', async () => {
  const narrow = await createToken(owner, ['run_scripts']);
  const guarded = await createToken(owner, ['modify_env'], { passphrase: 'the right one' });
  const elsewhere = await createToken(owner, ['modify_env'], { restrictions: { addresses: ['203.0.113.7'] } });
  const key = await createKey(owner, ['read']);
  const foreign = await createToken(await createWorkspaceFor(owner, testServer, 'Globex'), ['all']);
  const cases: readonly [string, Readonly<Record<string, string>>, number][] = [
    ['none', {}, 401],
    ['wrong', bearer(`${narrow.secret.slice(0, -1)}_`), 401],
    ['scope', bearer(narrow.secret), 403],
    ['kind', bearer(key.secret), 403],
    ['passphrase', bearer(guarded.secret), 401],
    ['passphrase, given', { ...bearer(guarded.secret), 'Access-Token-Passphrase': 'the right one' }, 401],
    ['address', bearer(elsewhere.secret), 401],
    ['other workspace', bearer(foreign.secret), 401],
  ];
  for (const [name, headers, expected] of cases) {
    const { status, reached, headers: answered } = await askAndSee(headers);
    assert.deepEqual({ name, status, reached: reached.length }, { name, status: expected, reached: 0 });
    if (expected === 401) assert.match(String(answered['www-authenticate']), /Bearer/);
  }
});

test('a deleted token is rejected by the next request, also if it has an expiry date', async () => {
  for (const more of [{}, { expiresAt: '2100-01-01T00:00:00.000Z' }]) {
    const token = await createToken(owner, ['modify_env'], more);
    for (let times = 0; times < 3; times++) assert.equal((await askAndSee(bearer(token.secret))).status, 200);
    assert.equal((await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status, 204);
    const { status, reached } = await askAndSee(bearer(token.secret));
    assert.deepEqual({ status, reached: reached.length }, { status: 401, reached: 0 });
  }
});

test('identity headers of the client never reach the service, however spelled', async () => {
  const token = await createToken(owner, ['modify_env']);
  for (const name of ['Devpilot-Scopes', 'Devpilot_Scopes', 'DEVPILOT-Credential_Id', 'devpilot-expires-at']) {
    const { reached } = await askAndSee({ ...bearer(token.secret), [name]: 'forged' });
    assert.equal(reached.length, 0, name);
  }
  const { reached } = await askAndSee({ ...bearer(token.secret), OIDC_CLAIM_scope: 'forged' });
  assert.ok(!reached[0]?.raw.includes('forged'));
});

test('fails closed while Devpilot is down or slow, and recovers', async () => {
  const token = await createToken(owner, ['modify_env']);
  for (const state of ['cut', 'stalled'] as const) {
    way.set(state);
    const { status, reached } = await askAndSee(bearer(token.secret));
    assert.deepEqual([status, reached.length], [401, 0], state);
    way.set('open');
  }
  assert.equal((await askAndSee(bearer(token.secret))).status, 200);
});
