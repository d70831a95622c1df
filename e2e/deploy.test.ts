import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { freePort } from '../src/testing/postgres.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { PASSWORD, signUpOwner, startTestServer } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import { startCaddy } from './proxy-fixture.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readRepositoryFile = (path: string) => readFileSync(join(root, path), 'utf8');

const directory = temporaryDirectory();

test('systemd accepts the unit and rates its exposure below 2.5', () => {
  ensureCommand('systemd-analyze', 'systemd');
  const unit = join(directory, 'devpilot.service');
  // The program is not installed at the path that the unit names.
  writeFileSync(unit, readRepositoryFile('deploy/devpilot.service').replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'));
  const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
  assert.deepEqual([verified.status, verified.stderr.trim()], [0, '']);
  const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', unit], { encoding: 'utf8' });
  const exposure = Number(/level for devpilot\.service: ([\d.]+)/.exec(stdout)?.[1]);
  assert.ok(exposure < 2.5, stdout);
});

test('systemd accepts the units of the nightly backup', () => {
  ensureCommand('systemd-analyze', 'systemd');
  const timer = join(directory, 'devpilot-backup.timer');
  writeFileSync(timer, readRepositoryFile('deploy/devpilot-backup.timer'));
  writeFileSync(join(directory, 'devpilot-backup.service'), readRepositoryFile('deploy/devpilot-backup.service'));
  const verified = spawnSync('systemd-analyze', ['verify', timer], { encoding: 'utf8' });
  assert.deepEqual([verified.status, verified.stderr.trim()], [0, '']);
});

test('nginx accepts the configuration of the load balancer', () => {
  ensureCommand('nginx');
  const file = join(directory, 'nginx.conf');
  const block = readRepositoryFile('deploy/nginx.conf').replace(/node\d:4000/g, '127.0.0.1:4000');
  writeFileSync(file, `pid ${directory}/pid;\nevents {}\nhttp {\naccess_log off;\n${block}}\n`);
  const { status, stderr } = spawnSync('nginx', ['-t', '-p', directory, '-e', 'stderr', '-c', file], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});

/**
 * Runs `docker-compose config`, which checks a compose file and prints it with these environment variables filled in.
 */
function composeConfig(file: string, variables: Readonly<Record<string, string>>) {
  ensureCommand('docker-compose');
  return spawnSync('docker-compose', ['-f', join(root, file), 'config'], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: directory, ...variables },
  });
}

test('docker-compose accepts compose.yaml: three nodes with read-only file systems, and no default password', () => {
  const { status, stdout, stderr } = composeConfig('compose.yaml', { POSTGRES_PASSWORD: 'a password' });
  assert.equal(status, 0, stderr);
  for (const line of ['read_only: true', 'no-new-privileges:true', 'DEVPILOT_SECRET_FILE: /run/secrets/devpilot']) {
    assert.equal(stdout.split(line).length - 1, 3, line);
  }
  const withoutPassword = composeConfig('compose.yaml', {});
  assert.notEqual(withoutPassword.status, 0);
  assert.match(withoutPassword.stderr, /as shown at the top of/);
});

test('docker-compose accepts deploy/tls/compose.yaml: one node, reachable only through Caddy, and no default host name', () => {
  const { status, stdout, stderr } = composeConfig('deploy/tls/compose.yaml', {
    DEVPILOT_HOST: 'devpilot.example.com',
  });
  assert.equal(status, 0, stderr);
  const [, services = ''] = stdout.split('services:');
  const [caddy = '', devpilot = ''] = services.split('\n  devpilot:');
  assert.match(caddy, /published: 443/);
  assert.doesNotMatch(devpilot, /published/);
  assert.match(devpilot, /DEVPILOT_PUBLIC_URL: https:\/\/devpilot\.example\.com$/m);
  const subnet = /subnet: (\S+)/.exec(stdout)?.[1] ?? '';
  assert.ok(devpilot.includes(`DEVPILOT_TRUST_PROXY: ${subnet}\n`), subnet);
  assert.match(composeConfig('deploy/tls/compose.yaml', {}).stderr, /as shown at the top of/);
});

test('Caddy serves Devpilot with a certificate, and Devpilot sees https and the real address of the client', async () => {
  const port = await freePort();
  const origin = `https://localhost:${port}`;
  const environment = { DEVPILOT_PUBLIC_URL: origin, DEVPILOT_TRUST_PROXY: '127.0.0.1' };
  const server = await startTestServer({ environment });
  const caddy = await startCaddy(directory, port, server.url);
  try {
    const post = (path: string, headers: Readonly<Record<string, string>>, body: object) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const allHeaders = { 'content-type': 'application/json', origin, ...headers };
        const ca = readFileSync(caddy.authorityFile);
        const outgoing = request(`${origin}${path}`, { method: 'POST', headers: allHeaders, ca, agent: false });
        outgoing.on('error', reject).on('response', (response) => resolve(response.resume()));
        outgoing.end(JSON.stringify(body));
      });
    const owner = await signUpOwner(server);
    const signInBody = { email: 'ada@example.com', password: PASSWORD };
    let response: IncomingMessage | undefined;
    await until(async () => {
      response = await post('/v1/sessions', { 'x-forwarded-for': '203.0.113.9' }, signInBody).catch(() => undefined);
      return response !== undefined;
    });
    assert.equal(response?.statusCode, 201);
    assert.match(String(response?.headers['set-cookie']), /Secure/);
    assert.match(String(response?.headers['strict-transport-security']), /max-age/);
    const sessions = await owner.call<{ data: { address: string }[] }>('/v1/sessions');
    assert.equal(sessions.status, 200, sessions.text);
    assert.deepEqual(
      sessions.body.data.map(({ address }) => address),
      ['127.0.0.1', '127.0.0.1'],
    );
  } finally {
    await caddy.close();
    await server.close();
  }
});
