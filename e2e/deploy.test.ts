import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ensureCommand } from '../src/testing/debian-packages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'devpilot-deploy-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

test('systemd accepts the unit and rates its sandbox', () => {
  ensureCommand('systemd-analyze', 'systemd');
  const unit = join(directory, 'devpilot.service');
  // Only the program is not at its installed path.
  writeFileSync(unit, read('deploy/devpilot.service').replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'));
  const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
  assert.deepEqual([verified.status, verified.stderr.trim()], [0, '']);
  const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', unit], { encoding: 'utf8' });
  const exposure = Number(/level for devpilot\.service: ([\d.]+)/.exec(stdout)?.[1]);
  assert.ok(exposure < 2.5, stdout);
});

test('nginx accepts the configuration of the load balancer', () => {
  ensureCommand('nginx');
  const file = join(directory, 'nginx.conf');
  const block = read('deploy/nginx.conf').replace(/node\d:4000/g, '127.0.0.1:4000');
  writeFileSync(file, `pid ${directory}/pid;\nevents {}\nhttp {\naccess_log off;\n${block}}\n`);
  const { status, stderr } = spawnSync('nginx', ['-t', '-p', directory, '-e', 'stderr', '-c', file], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});

test('docker-compose accepts the file: three nodes with read-only file systems, and no default password', () => {
  ensureCommand('docker-compose');
  const config = (environment: Readonly<Record<string, string>>) =>
    spawnSync('docker-compose', ['-f', join(root, 'compose.yaml'), 'config'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: directory, ...environment },
    });
  const { status, stdout, stderr } = config({ POSTGRES_PASSWORD: 'given' });
  assert.equal(status, 0, stderr);
  for (const line of ['read_only: true', 'no-new-privileges:true', 'DEVPILOT_SECRET_FILE: /run/secrets/devpilot']) {
    assert.equal(stdout.split(line).length - 1, 3, line);
  }
  const without = config({});
  assert.notEqual(without.status, 0);
  assert.match(without.stderr, /head of this file/);
});
