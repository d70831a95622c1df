import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ensureCommand, ensureOAuthClients } from '../src/testing/debian-packages.ts';
import { freePort } from '../src/testing/postgres.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
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
import { type InterruptibleConnection, startInterruptibleConnection, waitUntilListening } from './proxy-fixture.ts';

const directory = temporaryDirectory();
let testServer: TestServer;
let owner: TestPerson;

const guide = readFileSync(new URL('../docs/guides/languages.md', import.meta.url), 'utf8');
/** The programs of the guide by file name. */
const PROGRAMS = Object.fromEntries(
  [...guide.matchAll(/^```(?:python|go|ruby)\n(?:#|\/\/) (\S+)\n(.*?)^```$/gms)].map(([, name = '', source = '']) => [
    name,
    source,
  ]),
);

before(async () => {
  ensureOAuthClients();
  ensureCommand('go', 'golang-go');
  for (const [name, source] of Object.entries(PROGRAMS)) writeFileSync(join(directory, name), source);
  // Each Go program is built by its file name, because Go would combine the files of a directory to one package.
  for (const name of ['call', 'guard']) {
    const args = ['build', '-o', join(directory, name), join(directory, `${name}.go`)];
    // Inherits the environment, which leads Go to the build cache with the compiled standard library.
    const { status, stderr } = spawnSync('go', args, {
      encoding: 'utf8',
      env: { ...process.env, GOFLAGS: '-mod=mod' },
    });
    assert.equal(status, 0, stderr);
  }
  // A password for the server's host, which the Python package `requests` would send instead of the token.
  mkdirSync(join(directory, 'home'));
  writeFileSync(join(directory, 'home/.netrc'), 'machine 127.0.0.1 login x password y\n', { mode: 0o600 });
  testServer = await startTestServer({ environment: { DEVPILOT_TRUST_PROXY: '127.0.0.1' } });
  owner = await signUpOwner(testServer);
  const createResource = async (path: string, body: object) => {
    const response = await owner.call<{ id: string }>(path, { body });
    assert.equal(response.status, 201, response.text);
    return response.body.id;
  };
  const projectId = await createResource('/v1/projects', { name: 'Shop' });
  await createResource('/v1/apps', { name: 'Shop', slug: 'shop', projectId });
});
after(() => testServer.close());

function startProgram(name: string, environment: Readonly<Record<string, string>>): ChildProcess {
  const interpreters: Readonly<Record<string, string>> = { py: '/usr/bin/python3', rb: '/usr/bin/ruby' };
  const [base = '', extension = ''] = name.split('.');
  const interpreter = interpreters[extension];
  const [file, args] = interpreter === undefined ? [join(directory, base), []] : [interpreter, [join(directory, name)]];
  const env = { PATH: process.env['PATH'], HOME: join(directory, 'home'), AUTHLIB_INSECURE_TRANSPORT: '1' };
  return spawn(file, args, { env: { ...env, ...environment }, stdio: 'pipe' });
}
const runProgram = (name: string, secret: string) =>
  collectResult(startProgram(name, { DEVPILOT_URL: testServer.url, DEVPILOT_TOKEN: secret }));

for (const name of ['call-requests.py', 'call-httpx.py', 'call.go', 'call.rb']) {
  test(`${name} calls the API, and reports a refusal with its code`, async () => {
    const [token, tokenWithoutScope] = await Promise.all([
      createToken(owner, ['modify_env']),
      createToken(owner, ['run_scripts']),
    ]);
    const [allowed, refused] = await Promise.all([
      runProgram(name, token.secret),
      runProgram(name, tokenWithoutScope.secret),
    ]);
    assert.deepEqual([allowed.code, allowed.stderr], [0, '']);
    assert.match(allowed.stdout, /^20\d\n$/);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^403 insufficient_scope: /);
    assert.ok(!refused.stderr.includes(tokenWithoutScope.secret));
  });
}

test('exchange.py exchanges a token for a narrower one', async () => {
  const token = await createToken(owner, ['modify_env', 'run_scripts']);
  const { code, stdout, stderr } = await runProgram('exchange.py', token.secret);
  assert.equal(code, 0, stderr);
  const statusForScope = async (scope: string) =>
    (await testServer.call(`/v1/authorize?scope=${scope}`, { headers: bearer(stdout.trim()) })).status;
  assert.deepEqual([await statusForScope('modify_env'), await statusForScope('run_scripts')], [200, 403]);
});

describe('the guards', { concurrency: true }, () => {
  for (const name of ['guard.py', 'guard.go', 'guard.rb']) {
    describe(name, { concurrency: 1 }, () => {
      let connection: InterruptibleConnection;
      let port: number;
      let service: ChildProcess;
      before(async () => {
        connection = await startInterruptibleConnection(Number(new URL(testServer.url).port));
        port = await freePort();
        let log = '';
        service = startProgram(name, { DEVPILOT_URL: `http://127.0.0.1:${connection.port}`, PORT: String(port) });
        service.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
        await waitUntilListening(port, service, () => log);
      });
      after(async () => {
        const ended = new Promise((resolve) => service.once('exit', resolve));
        service.kill('SIGKILL');
        await ended;
        connection.close();
      });
      const call = async (headers: Readonly<Record<string, string>>) => {
        const response = await fetch(`http://127.0.0.1:${port}/`, { headers });
        return { status: response.status, text: await response.text(), headers: response.headers };
      };

      test('accepts a token with the scope, and nothing else', async () => {
        const passphrase = 'correct horse';
        const token = await createToken(owner, ['modify_env']);
        const tokenWithPassphrase = await createToken(owner, ['modify_env'], { passphrase });
        const tokenWithoutScope = await createToken(owner, ['run_scripts']);
        const tokenForOtherAddress = await createToken(owner, ['modify_env'], {
          restrictions: { addresses: ['203.0.113.7'] },
        });
        const key = await createKey(owner, ['read']);
        const cases: readonly [string, Readonly<Record<string, string>>, number][] = [
          ['no credential', {}, 401],
          ['token with the scope', bearer(token.secret), 200],
          ['correct passphrase', { ...bearer(tokenWithPassphrase.secret), 'Access-Token-Passphrase': passphrase }, 200],
          ['no passphrase', bearer(tokenWithPassphrase.secret), 401],
          ['missing scope', bearer(tokenWithoutScope.secret), 403],
          ['API key', { 'X-API-Key': key.secret }, 403],
          ['other address', { ...bearer(tokenForOtherAddress.secret), 'X-Forwarded-For': '203.0.113.7' }, 403],
        ];
        for (const [label, headers, expected] of cases) {
          const { status, headers: responseHeaders } = await call(headers);
          assert.deepEqual({ label, status }, { label, status: expected });
          if (expected === 401) assert.match(responseHeaders.get('www-authenticate') ?? '', /Bearer/);
        }
        const challengeFor = async (agent: string) =>
          (await call({ 'user-agent': agent })).headers.get('www-authenticate');
        assert.match((await challengeFor('git/2.39.5')) ?? '', /Basic/);
        assert.doesNotMatch((await challengeFor('Mozilla/5.0 (X11; Linux x86_64)')) ?? '', /Basic/);
        const forged = { 'Devpilot-Credential-Id': 'forged', Devpilot_Credential_Id: 'forged' };
        assert.equal((await call({ ...bearer(token.secret), ...forged })).text, token.id);
        await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' });
        assert.equal((await call(bearer(token.secret))).status, 401);
      });

      test('responds with 503 while Devpilot is down or slow, and accepts the token again afterwards', async () => {
        const token = await createToken(owner, ['modify_env']);
        for (const state of ['cut', 'stalled'] as const) {
          connection.set(state);
          assert.equal((await call(bearer(token.secret))).status, 503, state);
          connection.set('open');
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
