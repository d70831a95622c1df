import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ensureCommand, ensureOAuthClients } from '../src/testing/debian-packages.ts';
import { freePort } from '../src/testing/postgres.ts';
import {
  bearer,
  createKey,
  createToken,
  signUpOwner,
  startTestServer,
  type TestPerson,
  type TestServer,
} from '../src/testing/test-server.ts';
import { collectResult } from './cli-shell.ts';
import { startWay, untilListening, type Way } from './proxy-fixture.ts';

const directory = mkdtempSync(join(tmpdir(), 'devpilot-languages-'));
let testServer: TestServer;
let owner: TestPerson;

/** The programs of the guide, by their file name. */
const page = readFileSync(new URL('../docs/guides/languages.md', import.meta.url), 'utf8');
const PROGRAMS = Object.fromEntries(
  [...page.matchAll(/^```(?:python|go|ruby)\n(?:#|\/\/) (\S+)\n(.*?)^```$/gms)].map(([, name = '', source = '']) => [
    name,
    source,
  ]),
);

before(async () => {
  ensureOAuthClients();
  ensureCommand('go', 'golang-go');
  for (const [name, source] of Object.entries(PROGRAMS)) writeFileSync(join(directory, name), source);
  // One package per directory.
  for (const name of ['call', 'guard']) {
    const args = ['build', '-o', join(directory, name), join(directory, `${name}.go`)];
    // The machine's own cache: the standard library is compiled already.
    const { status, stderr } = spawnSync('go', args, {
      encoding: 'utf8',
      env: { ...process.env, GOFLAGS: '-mod=mod' },
    });
    assert.equal(status, 0, stderr);
  }
  // A password for the server's host, which requests would send in place of the token.
  mkdirSync(join(directory, 'home'));
  writeFileSync(join(directory, 'home/.netrc'), 'machine 127.0.0.1 login x password y\n', { mode: 0o600 });
  testServer = await startTestServer({ environment: { DEVPILOT_TRUST_PROXY: '127.0.0.1' } });
  owner = await signUpOwner(testServer);
  const created = async (path: string, body: object) => {
    const response = await owner.call<{ id: string }>(path, { body });
    assert.equal(response.status, 201, response.text);
    return response.body.id;
  };
  const projectId = await created('/v1/projects', { name: 'Shop' });
  await created('/v1/apps', { name: 'Shop', slug: 'shop', projectId });
});
after(async () => {
  await testServer.close();
  rmSync(directory, { recursive: true, force: true });
});

function start(name: string, environment: Readonly<Record<string, string>>): ChildProcess {
  const interpreters: Readonly<Record<string, string>> = { py: '/usr/bin/python3', rb: '/usr/bin/ruby' };
  const [base = '', extension = ''] = name.split('.');
  const interpreter = interpreters[extension];
  const [file, args] = interpreter === undefined ? [join(directory, base), []] : [interpreter, [join(directory, name)]];
  const env = { PATH: process.env['PATH'], HOME: join(directory, 'home'), AUTHLIB_INSECURE_TRANSPORT: '1' };
  return spawn(file, args, { env: { ...env, ...environment }, stdio: 'pipe' });
}
const run = (name: string, secret: string) =>
  collectResult(start(name, { DEVPILOT_URL: testServer.url, DEVPILOT_TOKEN: secret }));

for (const name of ['call-requests.py', 'call-httpx.py', 'call.go', 'call.rb']) {
  test(`${name} calls the API, and reports a refusal with its code`, async () => {
    const [token, narrow] = await Promise.all([
      createToken(owner, ['modify_env']),
      createToken(owner, ['run_scripts']),
    ]);
    const [allowed, refused] = await Promise.all([run(name, token.secret), run(name, narrow.secret)]);
    assert.deepEqual([allowed.code, allowed.stderr], [0, '']);
    assert.match(allowed.stdout, /^20\d\n$/);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^403 insufficient_scope: /);
    assert.ok(!refused.stderr.includes(narrow.secret));
  });
}

test('exchange.py exchanges a token for a narrower one', async () => {
  const token = await createToken(owner, ['modify_env', 'run_scripts']);
  const { code, stdout, stderr } = await run('exchange.py', token.secret);
  assert.equal(code, 0, stderr);
  const scopes = async (scope: string) =>
    (await testServer.call(`/v1/authorize?scope=${scope}`, { headers: bearer(stdout.trim()) })).status;
  assert.deepEqual([await scopes('modify_env'), await scopes('run_scripts')], [200, 403]);
});

describe('the guards', { concurrency: true }, () => {
  for (const name of ['guard.py', 'guard.go', 'guard.rb']) {
    describe(name, { concurrency: 1 }, () => {
      let way: Way;
      let port: number;
      let service: ChildProcess;
      before(async () => {
        way = await startWay(Number(new URL(testServer.url).port));
        port = await freePort();
        let log = '';
        service = start(name, { DEVPILOT_URL: `http://127.0.0.1:${way.port}`, PORT: String(port) });
        service.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
        await untilListening(port, service, () => log);
      });
      after(async () => {
        const ended = new Promise((resolve) => service.once('exit', resolve));
        service.kill('SIGKILL');
        await ended;
        way.close();
      });
      const call = async (headers: Readonly<Record<string, string>>) => {
        const response = await fetch(`http://127.0.0.1:${port}/`, { headers });
        return { status: response.status, text: await response.text(), headers: response.headers };
      };

      test('accepts a token with the scope, and nothing else', async () => {
        const passphrase = 'the right one';
        const token = await createToken(owner, ['modify_env']);
        const guarded = await createToken(owner, ['modify_env'], { passphrase });
        const narrow = await createToken(owner, ['run_scripts']);
        const elsewhere = await createToken(owner, ['modify_env'], { restrictions: { addresses: ['203.0.113.7'] } });
        const key = await createKey(owner, ['read']);
        const cases: readonly [string, Readonly<Record<string, string>>, number][] = [
          ['none', {}, 401],
          ['token', bearer(token.secret), 200],
          ['passphrase', { ...bearer(guarded.secret), 'Access-Token-Passphrase': passphrase }, 200],
          ['no passphrase', bearer(guarded.secret), 401],
          ['scope', bearer(narrow.secret), 403],
          ['kind', { 'X-API-Key': key.secret }, 403],
          ['address', { ...bearer(elsewhere.secret), 'X-Forwarded-For': '203.0.113.7' }, 403],
        ];
        for (const [label, headers, expected] of cases) {
          const { status, headers: answered } = await call(headers);
          assert.deepEqual({ label, status }, { label, status: expected });
          if (expected === 401) assert.match(answered.get('www-authenticate') ?? '', /Bearer/);
        }
        const offered = async (agent: string) => (await call({ 'user-agent': agent })).headers.get('www-authenticate');
        assert.match((await offered('git/2.39.5')) ?? '', /Basic/);
        assert.doesNotMatch((await offered('Mozilla/5.0 (X11; Linux x86_64)')) ?? '', /Basic/);
        const forged = { 'Devpilot-Credential-Id': 'forged', Devpilot_Credential_Id: 'forged' };
        assert.equal((await call({ ...bearer(token.secret), ...forged })).text, token.id);
        await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' });
        assert.equal((await call(bearer(token.secret))).status, 401);
      });

      test('fails closed while Devpilot is down or slow, and recovers', async () => {
        const token = await createToken(owner, ['modify_env']);
        for (const state of ['cut', 'stalled'] as const) {
          way.set(state);
          assert.equal((await call(bearer(token.secret))).status, 503, state);
          way.set('open');
        }
        assert.equal((await call(bearer(token.secret))).status, 200);
      });
    });
  }
});

test('the guide shows each program that is run, and no other', () => {
  assert.deepEqual(Object.keys(PROGRAMS).sort(), [
    'call-httpx.py',
    'call-requests.py',
    'call.go',
    'call.rb',
    'exchange.py',
    'guard.go',
    'guard.py',
    'guard.rb',
  ]);
});
