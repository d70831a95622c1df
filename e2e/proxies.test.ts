import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { startGitHost } from '../src/testing/git-host.ts';
import { createTestRepository } from '../src/testing/git-repository.ts';
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
import {
  type InterruptibleConnection,
  type ProtectedService,
  readGuideBlock,
  sendRawRequest,
  startInterruptibleConnection,
  startProtectedService,
  waitUntilListening,
} from './proxy-fixture.ts';

interface ProxySetup {
  readonly directory: string;
  readonly port: number;
  readonly devpilotPort: number;
  readonly servicePort: number;
}
interface Proxy {
  readonly name: string;
  /** Statuses with which the proxy may respond while Devpilot is unavailable. */
  readonly unavailableStatuses: readonly number[];
  readonly command: string;
  configure(setup: ProxySetup): readonly string[];
}

/**
 * Writes a configuration of nginx that uses only paths in `directory`, and returns the arguments to run nginx with it.
 */
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
 * Returns the configuration that ingress-nginx 1.15 generates from the annotations of the guide
 * (`rootfs/etc/nginx/template/nginx.tmpl` and `buildAuthResponseHeaders`), without Lua. Its read timeout of 60 s is
 * shortened to 1 s.
 */
function ingressNginxServer({ port, devpilotPort, servicePort }: ProxySetup): string {
  const ingress = readGuideBlock('kubernetes.md', 'yaml', {
    'devpilot.devpilot.svc.cluster.local': `127.0.0.1:${devpilotPort}`,
  });
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
    proxy_pass http://127.0.0.1:${servicePort};
  }
}
`;
}

const PROXIES: readonly Proxy[] = [
  {
    name: 'nginx auth_request',
    command: 'nginx',
    unavailableStatuses: [503],
    configure({ directory, port, devpilotPort, servicePort }) {
      const block = readGuideBlock('nginx.md', 'nginx', {
        'listen 80': `listen 127.0.0.1:${port}`,
        '127.0.0.1:4000': `127.0.0.1:${devpilotPort}`,
        '127.0.0.1:8080': `127.0.0.1:${servicePort}`,
      });
      return configureNginx(directory, block);
    },
  },
  {
    name: 'ingress-nginx annotations',
    command: 'nginx',
    unavailableStatuses: [500],
    configure: (setup) => configureNginx(setup.directory, ingressNginxServer(setup)),
  },
  {
    name: 'Caddy forward_auth',
    command: 'caddy',
    unavailableStatuses: [502, 504],
    configure({ directory, port, devpilotPort, servicePort }) {
      const block = readGuideBlock('caddy.md', 'caddyfile', {
        'app.example.com': `http://app.example.com:${port}`,
        '127.0.0.1:4000': `127.0.0.1:${devpilotPort}`,
        '127.0.0.1:8080': `127.0.0.1:${servicePort}`,
      });
      const file = join(directory, 'Caddyfile');
      writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n}\n${block}`);
      return ['run', '--config', file, '--adapter', 'caddyfile'];
    },
  },
  {
    name: 'HAProxy with Lua',
    command: 'haproxy',
    unavailableStatuses: [503],
    configure({ directory, port, devpilotPort, servicePort }) {
      const script = join(directory, 'devpilot.lua');
      writeFileSync(script, readGuideBlock('haproxy.md', 'lua', { '127.0.0.1:4000': `127.0.0.1:${devpilotPort}` }));
      const block = readGuideBlock('haproxy.md', 'haproxy', {
        '/etc/haproxy/devpilot.lua': script,
        'bind :80': `bind 127.0.0.1:${port}`,
        '127.0.0.1:8080': `127.0.0.1:${servicePort}`,
      });
      const file = join(directory, 'haproxy.cfg');
      writeFileSync(file, block);
      return ['-db', '-q', '-f', file];
    },
  },
];

const IDENTITY_HEADERS = [
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
let service: ProtectedService;
let connection: InterruptibleConnection;
before(async () => {
  testServer = await startTestServer({ environment: { DEVPILOT_TRUST_PROXY: '127.0.0.1' } });
  owner = await signUpOwner(testServer);
  service = await startProtectedService();
  connection = await startInterruptibleConnection(Number(new URL(testServer.url).port));
});
after(async () => {
  connection.close();
  service.close();
  await testServer.close();
});

for (const proxy of PROXIES) {
  describe(proxy.name, () => {
    const directory = temporaryDirectory();
    let port: number;
    let child: ChildProcess;
    before(async () => {
      ensureCommand(proxy.command);
      port = await freePort();
      const args = proxy.configure({ directory, port, devpilotPort: connection.port, servicePort: service.port });
      let log = '';
      const environment = { ...process.env, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
      child = spawn(proxy.command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: environment });
      child.stderr?.on('data', (chunk: Buffer) => {
        log += chunk.toString();
      });
      await waitUntilListening(port, child, () => log);
    });
    after(async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    });

    /** Sends a request through the proxy. Returns the response and the requests that reached the service. */
    async function sendThroughProxy(headers: Readonly<Record<string, string>>, options = {}) {
      service.requests.length = 0;
      const response = await sendRawRequest(port, headers, options);
      return { ...response, reached: [...service.requests] };
    }

    test('a token with the scope is accepted, and the service receives the identity but not the secret', async () => {
      const expiresAt = '2100-01-01T00:00:00.000Z';
      const token = await createToken(owner, ['modify_env'], { name: 'Döner & Söhne', expiresAt });
      const { status, text, reached } = await sendThroughProxy(bearer(token.secret), {
        method: 'POST',
        path: '/orders?x=1',
        body: 'a body',
      });
      assert.deepEqual({ status, text }, { status: 200, text: 'service' });
      const [received] = reached;
      assert.equal(received?.method, 'POST');
      assert.equal(received?.url, '/orders?x=1');
      assert.equal(received?.body, 'a body');
      assert.equal(received?.headers['devpilot-credential-id'], token.id);
      assert.equal(received?.headers['devpilot-credential-kind'], 'access_token');
      assert.equal(decodeURIComponent(String(received?.headers['devpilot-credential-name'])), 'Döner & Söhne');
      assert.equal(received?.headers['devpilot-workspace-id'], owner.workspaceId);
      assert.equal(received?.headers['devpilot-scopes'], 'modify_env');
      assert.equal(received?.headers['devpilot-permissions'] ?? '', '');
      assert.equal(received?.headers['devpilot-expires-at'], expiresAt);
      assert.ok(!received?.raw.join('\n').includes(token.secret));
    });

    test('HEAD, chunked bodies and upgrades are authorized like any other request', async () => {
      const token = await createToken(owner, ['modify_env']);
      const upgrade = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      };
      const chunked = { 'transfer-encoding': 'chunked' };
      const cases: readonly [object, Readonly<Record<string, string>>, number, string][] = [
        [{ method: 'HEAD' }, {}, 200, ''],
        [{ method: 'PUT', body: 'x'.repeat(500_000) }, chunked, 200, 'x'.repeat(500_000)],
        [{ path: '/socket' }, upgrade, 101, ''],
      ];
      for (const [options, headers, expected, body] of cases) {
        const withoutCredential = await sendThroughProxy(headers, options);
        assert.deepEqual([withoutCredential.status, withoutCredential.reached.length], [401, 0]);
        const { status, reached } = await sendThroughProxy({ ...headers, ...bearer(token.secret) }, options);
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
        '//devpilot/scope/modify_env',
        '/x/../devpilot/scope/modify_env',
        '/devpilot/%73cope/modify_env',
        '/devpilot/scope/modify_env/',
        '/@devpilot_unavailable',
        '/x?scope=all',
        '/v1/authorize',
      ];
      for (const path of paths) {
        const { status, reached } = await sendThroughProxy({}, { path });
        assert.ok([400, 401, 404].includes(status), `${path}: ${status}`);
        assert.equal(reached.length, 0, path);
      }
    });

    test('requests with no credential, an unknown one, a key, two credentials or a token without the scope are rejected', async () => {
      const tokenWithoutScope = await createToken(owner, ['run_scripts']);
      const key = await createKey(owner, ['read']);
      const cases: readonly [string, Readonly<Record<string, string>>, number][] = [
        ['no credential', {}, 401],
        ['unknown token', bearer(`${tokenWithoutScope.secret.slice(0, -1)}_`), 401],
        ['missing scope', bearer(tokenWithoutScope.secret), 403],
        ['API key', { 'X-API-Key': key.secret }, 403],
        ['two credentials', { ...bearer(tokenWithoutScope.secret), 'X-API-Key': key.secret }, 401],
      ];
      for (const [name, headers, expected] of cases) {
        const { status, reached, headers: responseHeaders } = await sendThroughProxy(headers);
        assert.deepEqual({ name, status, reached: reached.length }, { name, status: expected, reached: 0 });
        if (expected === 401) assert.match(String(responseHeaders['www-authenticate']), /Bearer/);
      }
    });

    test('a passphrase, as a header or in Basic authentication, is forwarded to Devpilot but not to the service', async () => {
      const passphrase = 'schöne Passphrase';
      const token = await createToken(owner, ['modify_env'], { passphrase });
      const header = Buffer.from(passphrase).toString('latin1');
      assert.equal((await sendThroughProxy(bearer(token.secret))).status, 401);
      const accepted = await sendThroughProxy({ ...bearer(token.secret), 'Access-Token-Passphrase': header });
      assert.equal(accepted.status, 200);
      assert.equal(accepted.reached[0]?.headers['access-token-passphrase'], undefined);
      const basic = Buffer.from(`${token.secret}:${passphrase}`).toString('base64');
      assert.equal((await sendThroughProxy({ authorization: `Basic ${basic}` })).status, 200);
    });

    test('wrong passphrases count per client behind the proxy, and lock out no other client (unlike in CVE-2026-27801)', async () => {
      const token = await createToken(owner, ['modify_env'], { passphrase: 'correct horse' });
      const wrongHeaders = { ...bearer(token.secret), 'Access-Token-Passphrase': 'battery staple' };
      for (let tries = 0; tries < 6; tries++) assert.equal((await sendThroughProxy(wrongHeaders)).status, 401);
      const correctHeaders = { ...bearer(token.secret), 'Access-Token-Passphrase': 'correct horse' };
      // The proxy does not trust an address claimed by the client.
      assert.equal((await sendThroughProxy({ ...correctHeaders, 'X-Forwarded-For': '203.0.113.9' })).status, 401);
      const otherClient = await testServer.call('/v1/authorize', {
        headers: { ...correctHeaders, 'X-Forwarded-For': '203.0.113.9' },
      });
      assert.equal(otherClient.status, 200);
    });

    test('wget and curl send a secret as user name or password, and the challenge for a browser opens no sign-in dialog', async () => {
      const { secret } = await createToken(owner, ['modify_env']);
      const url = `http://127.0.0.1:${port}/`;
      const host = 'Host: app.example.com';
      const commands: readonly (readonly string[])[] = [
        ['wget', '-q', '-O-', `--header=${host}`, '--user=x', `--password=${secret}`, url],
        ['curl', '-sf', '-H', host, '--anyauth', '-u', `x:${secret}`, url],
        ['curl', '-sf', '-H', host, '-u', `${secret}:`, url],
      ];
      for (const [command = '', ...args] of commands) {
        const result = await collectResult(spawn(command, args, { stdio: 'pipe', env: { PATH: process.env['PATH'] } }));
        assert.deepEqual([command, result.code, result.stdout], [command, 0, 'service']);
      }
      const browser = await sendThroughProxy({ 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64)' });
      assert.match(String(browser.headers['www-authenticate']), /^Bearer [^,]*$/);
    });

    test('a deleted token is rejected by the next request', async () => {
      const token = await createToken(owner, ['modify_env']);
      for (let use = 0; use < 5; use++) assert.equal((await sendThroughProxy(bearer(token.secret))).status, 200);
      assert.equal((await owner.call(`/v1/access-tokens/${token.id}`, { method: 'DELETE' })).status, 204);
      const { status, reached } = await sendThroughProxy(bearer(token.secret));
      assert.deepEqual({ status, reached: reached.length }, { status: 401, reached: 0 });
    });

    test('identity headers sent by the client never reach the service, however they are spelled (unlike in CVE-2026-30851, CVE-2026-52845)', async () => {
      const token = await createToken(owner, ['modify_env']);
      const spellings = IDENTITY_HEADERS.flatMap((name) => [
        name,
        name.toLowerCase(),
        name.replaceAll('-', '_'),
        name.replace('-', '_'),
        name.replaceAll('-', '_').toUpperCase(),
      ]);
      for (const spelling of spellings) {
        const { status, reached } = await sendThroughProxy({ ...bearer(token.secret), [spelling]: 'forged' });
        assert.equal(status, 200);
        assert.ok(!reached[0]?.raw.includes('forged'), `${spelling} reached the service`);
      }
    });

    test('errors of the service are passed on unchanged', async () => {
      const token = await createToken(owner, ['modify_env']);
      const { status, text } = await sendThroughProxy(bearer(token.secret), { path: '/broken' });
      assert.deepEqual({ status, text }, { status: 500, text: 'service' });
    });

    test('requests are refused while Devpilot is down or slow, and accepted again afterwards', async () => {
      const token = await createToken(owner, ['modify_env']);
      for (const state of ['cut', 'stalled'] as const) {
        connection.set(state);
        const { status, reached } = await sendThroughProxy(bearer(token.secret));
        assert.ok(proxy.unavailableStatuses.includes(status), `${state}: ${status}`);
        assert.equal(reached.length, 0);
        connection.set('open');
      }
      let { status } = await sendThroughProxy(bearer(token.secret));
      // nginx stops using a failed upstream for a while, unless it is the only one.
      for (let tries = 0; status !== 200 && tries < 50; tries++)
        ({ status } = await sendThroughProxy(bearer(token.secret)));
      assert.equal(status, 200);
    });

    test('the internal authorization location cannot be requested from outside', async () => {
      for (const path of ['/devpilot/scope/modify_env', '/devpilot/permission/read']) {
        const { status, reached } = await sendThroughProxy({}, { path });
        assert.ok(status === 404 || status === 401, String(status));
        assert.equal(reached.length, 0);
      }
    });
  });
}

test('git clones a repository behind nginx with a credential helper that provides the secret', async () => {
  const directory = temporaryDirectory();
  const repository = createTestRepository();
  const host = await startGitHost(repository.path);
  const port = await freePort();
  const nginx = PROXIES.find(({ name }) => name === 'nginx auth_request');
  const args =
    nginx?.configure({
      directory,
      port,
      devpilotPort: connection.port,
      servicePort: Number(new URL(host.origin).port),
    }) ?? [];
  const child = spawn('nginx', args, { stdio: 'ignore' });
  try {
    await waitUntilListening(port, child, () => '');
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
  }
});

test('HAProxy forwards nothing after an error in Lua', async () => {
  const directory = temporaryDirectory();
  const port = await freePort();
  const haproxy = PROXIES.find(({ command }) => command === 'haproxy');
  const args = haproxy?.configure({ directory, port, devpilotPort: connection.port, servicePort: service.port }) ?? [];
  const script = join(directory, 'devpilot.lua');
  writeFileSync(script, readFileSync(script, 'utf8').replace('local sent,', "error('broken')\n  local sent,"));
  const child = spawn('haproxy', args, { stdio: 'ignore' });
  try {
    await waitUntilListening(port, child, () => '');
    service.requests.length = 0;
    const { status } = await sendRawRequest(port, {});
    assert.deepEqual([status, service.requests.length], [503, 0]);
  } finally {
    child.kill('SIGKILL');
  }
});
