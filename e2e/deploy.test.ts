import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { untilEnd } from './command.ts';
import { needCommand } from './debian.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'devpilot-deploy-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

test('systemd takes the unit, and rates its sandbox', () => {
  needCommand('systemd-analyze', 'systemd');
  const unit = join(directory, 'devpilot.service');
  // Only the program is not where it would be installed.
  writeFileSync(unit, read('deploy/devpilot.service').replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'));
  const verified = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
  assert.deepEqual([verified.status, verified.stderr.trim()], [0, '']);
  const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', unit], { encoding: 'utf8' });
  const exposure = Number(/level for devpilot\.service: ([\d.]+)/.exec(stdout)?.[1]);
  assert.ok(exposure < 2.5, stdout);
});

test('nginx takes the configuration that stands before the nodes', () => {
  needCommand('nginx');
  const file = join(directory, 'nginx.conf');
  const block = read('deploy/nginx.conf').replace(/node\d:4000/g, '127.0.0.1:4000');
  writeFileSync(file, `pid ${directory}/pid;\nevents {}\nhttp {\naccess_log off;\n${block}}\n`);
  const { status, stderr } = spawnSync('nginx', ['-t', '-p', directory, '-e', 'stderr', '-c', file], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});

test('what the Dockerfile copies is enough to serve, and its health check tells ready from gone', async () => {
  const dockerfile = read('Dockerfile').replaceAll('\\\n', ' ');
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  const app = join(directory, 'app');
  mkdirSync(app);
  for (const [, path = ''] of last.matchAll(/^COPY --from=build \/build\/(\S+) /gm)) {
    if (path === 'node_modules') symlinkSync(join(root, path), join(app, path));
    else cpSync(join(root, path), join(app, path), { recursive: true });
  }
  const command = (name: string) => JSON.parse(new RegExp(`${name} (\\[.*\\])`).exec(last)?.[1] ?? '[]') as string[];
  const environment = Object.fromEntries(
    [...(/^ENV (.*)$/m.exec(last)?.[1]?.matchAll(/(\w+)=(\S+)/g) ?? [])].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
  assert.match(last, /^USER node$/m);
  const port = String(20_000 + (process.pid % 20_000));
  const env = { ...environment, HOST: '127.0.0.1', PORT: port, DEVPILOT_DATA_DIR: join(directory, 'data') };
  const run = (args: readonly string[]) => spawn(process.execPath, args.slice(1), { cwd: app, env, stdio: 'pipe' });
  const isHealthy = async () => (await untilEnd(run(command('--retries=3 +CMD')))).code === 0;
  assert.equal(await isHealthy(), false);
  const server = run([...command('ENTRYPOINT'), ...command('\nCMD')]);
  const ended = untilEnd(server);
  await new Promise((resolve) => server.stdout.once('data', resolve));
  assert.equal(await isHealthy(), true);
  server.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});
