import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { startGitHost } from '../src/testing/git-host.ts';
import { createTestRepository } from '../src/testing/git-repository.ts';
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
import { type Behind, blockOf, send, startBehind, startWay, untilListening, type Way } from './proxy-fixture.ts';

interface ProxyPaths {
  readonly directory: string;
  readonly port: number;
  readonly devpilot: number;
  readonly behind: number;
}
interface Proxy {
  readonly name: string;
  /** Accepted statuses of the proxy while Devpilot is unavailable. */
  readonly closed: readonly number[];
  readonly command: string;
  configure(places: ProxyPaths): readonly string[];
}

/** Writes a configuration of nginx that uses no paths of the machine, and returns the arguments to run it. */
function configureNginx(directory: string, block: string): readonly string[] {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${directory}/${name};`)
    .join('\n');
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off;\nmaster_process off;\npid ${directory}/pid;\nerror_log ${directory}/error.log;\nevents {}\nhttp {\naccess_log off;\n${paths}\n${block}}\n`,
  );
  return ['-p', directory, '-c', file];
}

/**
 * The configuration that ingress-nginx 1.15 generates from the annotations of the guide (`rootfs/etc/nginx/template/nginx.tmpl`
 * and `buildAuthResponseHeaders`), without Lua. The read timeout is 60 s there.
 */
function ingressNginxServer({ port, devpilot, behind }: ProxyPaths): string {
  const ingress = blockOf('kubernetes.md', 'yaml', { 'devpilot.devpilot.svc.cluster.local': `127.0.0.1:${devpilot}` });
  const url = /auth-url: (\S+)/.exec(ingress)?.[1] ?? '';
  const names = /auth-response-headers: >-\n((?: {6}.*\n)+)/.exec(ingress)?.[1]?.split(',') ?? [];
  const headers = names.map((text, index) => {
    const name = text.trim();
    const variable = name.toLowerCase().replaceAll('-', '_');
    return `auth_request_set $authHeader${index} $upstream_http_${variable};\nproxy_set_header '${name}' $authHeader${index};`;
  });
  assert.equal(headers.length, 10);
  return `
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
client_max_body_size 1m;
proxy_read_timeout 1s;
server {
  listen 127.0.0.1:${port};
  server_name app.example.com;
  location = /_external-auth-Lw-Prefix {
    internal;
    proxy_intercept_errors off;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    proxy_set_header X-Forwarded-Proto "";
    proxy_set_header X-Request-ID $request_id;
    proxy_set_header Host 127.0.0.1;
    proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
    proxy_set_header X-Original-Method $request_method;
    proxy_set_header X-Sent-From "nginx-ingress-controller";
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Auth-Request-Redirect $request_uri;
    proxy_buffering off;
    proxy_request_buffering on;
    proxy_ssl_server_name on;
    proxy_pass_request_headers on;
    proxy_http_version 1.1;
    set $target "${url}";
    proxy_pass $target;
  }
  location / {
    auth_request /_external-auth-Lw-Prefix;
    auth_request_set $auth_cookie $upstream_http_set_cookie;
    add_header Set-Cookie $auth_cookie;
    ${headers.join('\n')}
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_buffering off;
    proxy_http_version 1.1;
    proxy_pass http://127.0.0.1:${behind};
  }
}
`;
}

const PROXIES: readonly Proxy[] = [
  {
    name: 'nginx auth_request',
    command: 'nginx',
    closed: [503],
    configure({ directory, port, devpilot, behind }) {
      const block = blockOf('nginx.md', 'nginx', {
        'listen 80': `listen 127.0.0.1:${port}`,
        '127.0.0.1:4000': `127.0.0.1:${devpilot}`,
        '127.0.0.1:8080': `127.0.0.1:${behind}`,
      });
      return configureNginx(directory, block);
    },
  },
  {
    name: 'ingress-nginx annotations',
    command: 'nginx',
    closed: [500],
    configure: (paths) => configureNginx(paths.directory, ingressNginxServer(paths)),
  },
  {
    name: 'Caddy forward_auth',
    command: 'caddy',
    closed: [502, 504],
    configure({ directory, port, devpilot, behind }) {
      const block = blockOf('caddy.md', 'caddyfile', {
        'app.example.com': `http://app.example.com:${port}`,
        '127.0.0.1:4000': `127.0.0.1:${devpilot}`,
        '127.0.0.1:8080': `127.0.0.1:${behind}`,
      });
      const file = join(directory, 'Caddyfile');
      writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n}\n${block}`);
      return ['run', '--config', file, '--adapter', 'caddyfile'];
    },
  },
  {
    name: 'HAProxy with Lua',
    command: 'haproxy',
    closed: [503],
    configure({ directory, port, devpilot, behind }) {
      const script = join(directory, 'devpilot.lua');
      writeFileSync(script, blockOf('haproxy.md', 'lua', { '127.0.0.1:4000': `127.0.0.1:${devpilot}` }));
      const block = blockOf('haproxy.md', 'haproxy', {
        '/etc/haproxy/devpilot.lua': script,
        'bind :80': `bind 127.0.0.1:${port}`,
        '127.0.0.1:8080': `127.0.0.1:${behind}`,
      });
      const file = join(directory, 'haproxy.cfg');
      writeFileSync(file, block);
      return ['-db', '-q', '-f', file];
    },
  },
];

const IDENTITY = [
  'Devpilot-Credential-Id',
  'Devpilot-Credential-Kind',
  'Devpilot-Credential-Name',
  'Devpilot-Workspace-Id',
  'Devpilot-Scopes',
  'Devpilot-Permissions',
  'Devpilot-Expires-At',
];

let testServer: TestServer;
let owner: TestPerson;
let behind: Behind;
let way: Way;
before(async () => {
  testServer = await startTestServer({ environment: { DEVPILOT_TRUST_PROXY: '127.0.0.1' } });
  owner = await signUpOwner(testServer);
  behind = await startBehind();
  way = await startWay(Number(new URL(testServer.url).port));
});
after(async () => {
  way.close();
  behind.close();
  await testServer.close();
});

for (const proxy of PROXIES) {
  describe(proxy.name, () => {
    const directory = mkdtempSync(join(tmpdir(), 'devpilot-proxy-'));
    let port: number;
    let child: ChildProcess;
    before(async () => {
      ensureCommand(proxy.command);
      port = await freePort();
      const args = proxy.configure({ directory, port, devpilot: way.port, behind: behind.port });
      let log = '';
      const environment = { ...process.env, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
      child = spawn(proxy.command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: environment });
      child.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString();
      });
      await untilListening(port, child, () => log);
    });
    after(async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    });

    /** Sends a request and returns what reached the service in the meantime. */
    async function askAndSee(headers: Readonly<Record<string, string>>, more = {}) {
      behind.seen.length = 0;
      const reply = await send(port, headers, more);
      return { ...reply, reached: [...behind.seen] };
    }

    test('a token with the scope is accepted, and the service receives the identity but not the secret', async () => {
      const expiresAt = '2100-01-01T00:00:00.000Z';
      const token = await createToken(owner, ['modify_env'], { name: 'Döner & Söhne', expiresAt });
      const { status, text, reached } = await askAndSee(bearer(token.secret), {
        method: 'POST',
        path: '/things?x=1',
        body: 'a body',
      });
      assert.deepEqual({ status, text }, { status: 200, text: 'behind' });
      const [seen] = reached;
      assert.equal(seen?.method, 'POST');
      assert.equal(seen?.url, '/things?x=1');
      assert.equal(seen?.body, 'a body');
      assert.equal(seen?.headers['devpilot-credential-id'], token.id);
      assert.equal(seen?.headers['devpilot-credential-kind'], 'access_token');
      assert.equal(decodeURIComponent(String(seen?.headers['devpilot-credential-name'])), 'Döner & Söhne');
      assert.equal(seen?.headers['devpilot-workspace-id'], owner.workspaceId);
      assert.equal(seen?.headers['devpilot-scopes'], 'modify_env');
      assert.equal(seen?.headers['devpilot-permissions'] ?? '', '');
      assert.equal(seen?.headers['devpilot-expires-at'], expiresAt);
      assert.ok(!seen?.raw.join('\n').includes(token.secret));
    });

    test('HEAD, chunked bodies and upgrades are authorized like any other request', async () => {
      const token = await createToken(owner, ['modify_env']);
      const upgrade = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      };
      const pieces = { 'transfer-encoding': 'chunked' };
      const cases: readonly [object, Readonly<Record<string, string>>, number, string][] = [
        [{ method: 'HEAD' }, {}, 200, ''],
        [{ method: 'PUT', body: 'x'.repeat(500_000) }, pieces, 200, 'x'.repeat(500_000)],
        [{ path: '/socket' }, upgrade, 101, ''],
      ];
      for (const [more, headers, expected, body] of cases) {
        const kept = await askAndSee(headers, more);
        assert.deepEqual([kept.status, kept.reached.length], [401, 0]);
        const { status, reached } = await askAndSee({ ...headers, ...bearer(token.secret) }, more);
        assert.deepEqual([status, reached.length, reached[0]?.body], [expected, 1, body]);
        assert.equal(reached[0]?.headers['devpilot-credential-id'], token.id);
        assert.ok(!reached[0]?.raw.join('\n').includes(token.secret));
      }
    });

    test('no spelling of a path bypasses authorization', async () => {
      const paths = [
        '//x',
        '/a/../b',
        '/%2e%2e/x',
        '/a%2fb',
        '/a/%2e%2e/b',
        '/..;/x',
        '/./x',
        '/a\\..\\b',
        '/a%00b',
        '/x;y=1',
      ];
      paths.push('//devpilot/scope/modify_env', '/x/../devpilot/scope/modify_env', '/devpilot/%73cope/modify_env');
      paths.push('/devpilot/scope/modify_env/', '/@devpilot_unavailable', '/x?scope=all', '/v1/authorize');
      for (const path of paths) {
        const { status, reached } = await askAndSee({}, { path });
        assert.ok([400, 401, 404].includes(status), `${path}: ${status}`);
        assert.equal(reached.length, 0, path);
      }
    });

    test('no credential, a wrong one, a key and a token without the scope are rejected', async () => {
      const narrow = await createToken(owner, ['run_scripts']);
      const key = await createKey(owner, ['read']);
      const cases: readonly [string, Readonly<Record<string, string>>, number][] = [
        ['none', {}, 401],
        ['wrong', bearer(`${narrow.secret.slice(0, -1)}_`), 401],
        ['scope', bearer(narrow.secret), 403],
        ['kind', { 'X-API-Key': key.secret }, 403],
        ['two', { ...bearer(narrow.secret), 'X-API-Key': key.secret }, 401],
      ];
      for (const [name, headers, expected] of cases) {
        const { status, reached, headers: answered } = await askAndSee(headers);
        assert.deepEqual({ name, status, reached: reached.length }, { name, status: expected, reached: 0 });
        if (expected === 401) assert.match(String(answered['www-authenticate']), /Bearer/);
      }
    });

    test('a passphrase is forwarded, as a header or in Basic, but not to the service', async () => {
      const passphrase = 'schöne Passphrase';
      const token = await createToken(owner, ['modify_env'], { passphrase });
      const header = Buffer.from(passphrase).toString('latin1');
      assert.equal((await askAndSee(bearer(token.secret))).status, 401);
      const right = await askAndSee({ ...bearer(token.secret), 'Access-Token-Passphrase': header });
      assert.equal(right.status, 200);
      assert.equal(right.reached[0]?.headers['access-token-passphrase'], undefined);
      const basic = Buffer.from(`${token.secret}:${passphrase}`).toString('base64');
      assert.equal((await askAndSee({ authorization: `Basic ${basic}` })).status, 200);
    });

    test('wrong passphrases count per client behind the proxy, and lock out no other client (CVE-2026-27801)', async () => {
      const token = await createToken(owner, ['modify_env'], { passphrase: 'the right one' });
      const wrong = { ...bearer(token.secret), 'Access-Token-Passphrase': 'a wrong one' };
      for (let tries = 0; tries < 6; tries++) assert.equal((await askAndSee(wrong)).status, 401);
      const right = { ...bearer(token.secret), 'Access-Token-Passphrase': 'the right one' };
      // The proxy does not trust an address claimed by the client.
      assert.equal((await askAndSee({ ...right, 'X-Forwarded-For': '203.0.113.9' })).status, 401);
      const elsewhere = await testServer.call('/v1/authorize', {
        headers: { ...right, 'X-Forwarded-For': '203.0.113.9' },
      });
      assert.equal(elsewhere.status, 200);
    });

    test('wget and curl send a secret as user name or password, and a browser shows no dialog of its own', async () => {
      const { secret } = await createToken(owner, ['modify_env']);
      const url = `http://127.0.0.1:${port}/`;
      const host = 'Host: app.example.com';
      const commands: readonly (readonly string[])[] = [
        ['wget', '-q', '-O-', `--header=${host}`, '--user=x', `--password=${secret}`, url],
        ['curl', '-sf', '-H', host, '--anyauth', '-u', `x:${secret}`, url],
        ['curl', '-sf', '-H', host, '-u', `${secret}:`, url],
      ];
      for (const [command = '', ...args] of commands) {
        const ended = await collectResult(spawn(command, args, { stdio: 'pipe', env: { PATH: process.env['PATH'] } }));
        assert.deepEqual([command, ended.code, ended.stdout], [command, 0, 'behind']);
      }
      const browser = await askAndSee({ 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)' });
      assert.match(String(browser.headers['www-authenticate']), /^Bearer [^,]*$/);
    });

    test('a deleted token is rejected by the next request', async () => {
      const token = await createToken(owner, ['modify_env']);
      for (let times = 0; times < 5; times++) assert.equal((await askAndSee(bearer(token.secret))).status, 200);
      assert.equal((await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status, 204);
      const { status, reached } = await askAndSee(bearer(token.secret));
      assert.deepEqual({ status, reached: reached.length }, { status: 401, reached: 0 });
    });

    test('identity headers of the client never reach the service, however spelled (CVE-2026-30851, CVE-2026-52845)', async () => {
      const token = await createToken(owner, ['modify_env']);
      const spellings = IDENTITY.flatMap((name) => [
        name,
        name.toLowerCase(),
        name.replaceAll('-', '_'),
        name.replace('-', '_'),
        name.replaceAll('-', '_').toUpperCase(),
      ]);
      for (const spelling of spellings) {
        const { status, reached } = await askAndSee({ ...bearer(token.secret), [spelling]: 'forged' });
        assert.equal(status, 200);
        assert.ok(!reached[0]?.raw.includes('forged'), `${spelling} reached the service`);
      }
    });

    test('errors of the service are passed on unchanged', async () => {
      const token = await createToken(owner, ['modify_env']);
      const { status, text } = await askAndSee(bearer(token.secret), { path: '/broken' });
      assert.deepEqual({ status, text }, { status: 500, text: 'behind' });
    });

    test('fails closed while Devpilot is down or slow, and recovers', async () => {
      const token = await createToken(owner, ['modify_env']);
      for (const state of ['cut', 'stalled'] as const) {
        way.set(state);
        const { status, reached } = await askAndSee(bearer(token.secret));
        assert.ok(proxy.closed.includes(status), `${state}: ${status}`);
        assert.equal(reached.length, 0);
        way.set('open');
      }
      let { status } = await askAndSee(bearer(token.secret));
      // nginx pauses a failed server for a while, unless it is the only one.
      for (let tries = 0; status !== 200 && tries < 50; tries++) ({ status } = await askAndSee(bearer(token.secret)));
      assert.equal(status, 200);
    });

    test('the internal authorization location cannot be requested from outside', async () => {
      for (const path of ['/devpilot/scope/modify_env', '/devpilot/permission/read']) {
        const { status, reached } = await askAndSee({}, { path });
        assert.ok(status === 404 || status === 401, String(status));
        assert.equal(reached.length, 0);
      }
    });
  });
}

test('git clones from behind nginx with a credential helper that has the secret', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'devpilot-proxy-'));
  const repository = createTestRepository();
  const host = await startGitHost(repository.path, null);
  const port = await freePort();
  const nginx = PROXIES.find(({ name }) => name === 'nginx auth_request');
  const args =
    nginx?.configure({ directory, port, devpilot: way.port, behind: Number(new URL(host.origin).port) }) ?? [];
  const child = spawn('nginx', args, { stdio: 'ignore' });
  try {
    await untilListening(port, child, () => '');
    repository.commit({ 'page.txt': 'one' }, 'First');
    const { secret } = await createToken(owner, ['modify_env']);
    const clone = (target: string, helper: string) => {
      const url = `http://127.0.0.1:${port}/.git`;
      const env = { PATH: process.env['PATH'], HOME: directory, GIT_TERMINAL_PROMPT: '0', SECRET: secret };
      return collectResult(
        spawn('git', ['-c', `credential.helper=${helper}`, 'clone', '-q', url, join(directory, target)], {
          env,
          stdio: 'pipe',
        }),
      );
    };
    const cloned = await clone('one', '!f() { echo username=x; echo "password=$SECRET"; }; f');
    assert.equal(cloned.code, 0, cloned.stderr);
    assert.equal(readFileSync(join(directory, 'one/page.txt'), 'utf8'), 'one');
    assert.deepEqual(host.authorizationHeaders, []);
    assert.notEqual((await clone('two', '')).code, 0);
  } finally {
    child.kill('SIGKILL');
    await host.close();
    repository.remove();
    rmSync(directory, { recursive: true, force: true });
  }
});

test('HAProxy forwards nothing after an error in Lua', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'devpilot-proxy-'));
  const port = await freePort();
  const haproxy = PROXIES.find(({ command }) => command === 'haproxy');
  const args = haproxy?.configure({ directory, port, devpilot: way.port, behind: behind.port }) ?? [];
  const script = join(directory, 'devpilot.lua');
  writeFileSync(script, readFileSync(script, 'utf8').replace('local sent,', "error('broken')\n  local sent,"));
  const child = spawn('haproxy', args, { stdio: 'ignore' });
  try {
    await untilListening(port, child, () => '');
    behind.seen.length = 0;
    const { status } = await send(port, {});
    assert.deepEqual([status, behind.seen.length], [503, 0]);
  } finally {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
});
