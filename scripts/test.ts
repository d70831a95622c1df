/**
 * Runs all checks and tests. `npm test -- part` runs only the test files whose path contains `part`, without the build
 * and the other checks; `npm test -- --fast` runs the checks and the test files that require only Node and the npm
 * packages.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createPostgresTemplate, SHARED_POSTGRES, startPostgres } from '../src/testing/postgres.ts';
import { measureSlowness } from './machine-speed.ts';
import { TEST_COUNTS, TEST_ENDED } from './reporter.ts';
import { needsInstalledPrograms } from './required-programs.ts';

const args = process.argv.slice(2);
const isFast = args.includes('--fast');
const pathFilter = args.find((argument) => !argument.startsWith('--'));
/** End-to-end tests that freeze or kill processes or measure time. They run last, two at a time. */
const LAST_TESTS = /\/(?:guard-faults|nodes[\w-]*)\.test\.ts$/;
/** Files of browser tests that also run in an insecure context, except for their tests marked `secureContextOnly`. */
const INSECURE_CONTEXT_TESTS = /\/(?:access-tokens[\w-]*|api-keys|environment|members|resources)\.test\.ts$/;
/** Tests that take longer than their file size suggests. */
const LONG_TESTS =
  /\/(?:simulation|run|backups?|jobs|[\w-]*crash|event-loop-stall|unknown-secret-flood|keyboard[\w-]*|appearance[\w-]*|packages|store-copy|deployments[\w-]*|first-deployment|getting-started|scripts|people|process|members|scheduler|firewall)\.test\.ts$/;
/** Number of concurrent checks and test files: more than there are processors, because they wait half of the time. */
const CONCURRENCY = availableParallelism() + 2;
/**
 * How many times slower this machine is with `CONCURRENCY` threads than the reference machine with one thread per core,
 * at least 1.
 */
const slowness = await measureSlowness(CONCURRENCY);
/** A file is considered stuck if no test ends within this time. The total time is not limited. */
const SILENCE_MS = 150_000 * slowness;
/** Time for which a file's child processes may keep running after the file's process has ended. */
const GRACE_MS = 5_000 * slowness;

/** Maximum number of characters of a failed file's output that are repeated at the end. */
const MAX_REPEATED_OUTPUT = 4_000;

let passed = 0;
let failed = 0;
/** Descriptions of the failed checks and test files, each with its output or the end of it. */
const failures: string[] = [];
const runningFiles = new Set<ChildProcess>();

type Environment = Readonly<Record<string, string>>;
/** Environment of all test files. With the compile cache, each module is compiled only once. */
let sharedEnvironment: Environment = {
  DEVPILOT_TEST_SLOWNESS: String(slowness),
  NODE_COMPILE_CACHE: join(tmpdir(), 'devpilot-compile-cache'),
};

/** Sends a signal to a process group. Returns false if the group has no processes. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-(child.pid ?? Number.NaN), signal);
  } catch {
    return false;
  }
}

/** Returns the remaining processes of a process group, one line each, without zombies. */
function listGroup(child: ChildProcess): string[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pgid=,stat=,args='], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => {
    const [group, state = ''] = line.trim().split(/\s+/);
    return group === String(child.pid) && !state.startsWith('Z');
  });
}

/** Kills the remaining processes of a process group after a grace period, and returns them. */
async function killLeftovers(child: ChildProcess): Promise<string[]> {
  const deadlineMs = performance.now() + GRACE_MS;
  while (signalGroup(child, 0)) {
    const remaining = listGroup(child);
    if (remaining.length === 0) break;
    if (performance.now() > deadlineMs) {
      signalGroup(child, 'SIGKILL');
      return remaining;
    }
    await pause(100);
  }
  return [];
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of runningFiles) signalGroup(child, 'SIGKILL');
    process.exit(1);
  });
}

/** Runs a command as a check that passes or fails, and prints its output at the end. */
function runCheck(name: string, command: string, args: readonly string[]): Promise<void> {
  const startMs = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return new Promise((resolve) => {
    child.once('close', (code) => {
      if (code === 0) passed++;
      else {
        failed++;
        failures.push(`✖ ${name}\n${output.trim()}`);
      }
      process.stdout.write(`${output}${code === 0 ? '✔' : '✖'} ${secondsSince(startMs)} s  ${name}\n`);
      resolve();
    });
  });
}

const secondsSince = (startMs: number) => ((performance.now() - startMs) / 1000).toFixed(1).padStart(6);

/**
 * Runs a test file in its own process group and prints its output at the end. The file fails if it is stuck, reports no
 * test, or leaves processes running.
 */
function runTestFile(file: string, environment: Environment): Promise<void> {
  const startMs = performance.now();
  const child = spawn(process.execPath, ['--test', '--test-reporter=./scripts/reporter.ts', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...sharedEnvironment, ...environment },
  });
  runningFiles.add(child);
  let output = '';
  let hasProcessFailure = false;
  let lastFinishedTest = 'none';
  const stuckTimer = setTimeout(() => {
    hasProcessFailure = true;
    output += `\nNo test ended within ${Math.round(SILENCE_MS / 1000)} s. Last finished test: ${lastFinishedTest}.\nProcesses:\n${listGroup(child).join('\n')}\n`;
    signalGroup(child, 'SIGKILL');
  }, SILENCE_MS);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text.replaceAll(TEST_ENDED, (_, name: string) => {
        stuckTimer.refresh();
        lastFinishedTest = name;
        return '';
      });
    });
  }
  child.once('exit', () => {
    clearTimeout(stuckTimer);
    const graceTimer = setTimeout(() => {
      hasProcessFailure = true;
      output += '\nProcesses started by this file still hold its output open.\n';
      child.stdout.destroy();
      child.stderr.destroy();
    }, GRACE_MS);
    child.once('close', () => clearTimeout(graceTimer));
  });
  return new Promise((resolve) => {
    child.once('close', async (code) => {
      const leftovers = await killLeftovers(child);
      runningFiles.delete(child);
      if (leftovers.length > 0) {
        hasProcessFailure = true;
        output += `\nProcesses started by this file were still running after it ended:\n${leftovers.join('\n')}\n`;
      }
      const counts = TEST_COUNTS.exec(output)?.[1];
      const { passed: filePassed, failed: fileFailed } = JSON.parse(counts ?? '{"passed":0,"failed":1}') as {
        passed: number;
        failed: number;
      };
      passed += filePassed;
      failed += fileFailed;
      // A run without tests, or one that exited before reporting them, has failed.
      const hasRunFailure = hasProcessFailure || code !== 0 || filePassed + fileFailed === 0;
      if (hasRunFailure && fileFailed === 0) failed++;
      const hasFailed = hasRunFailure || fileFailed > 0;
      const mark = hasFailed ? '✖' : '✔';
      const outputWithoutCounts = output.replace(TEST_COUNTS, '');
      process.stdout.write(
        `${outputWithoutCounts}${mark} ${secondsSince(startMs)} s  ${describeRun(file, environment)}\n`,
      );
      if (hasFailed) failures.push(describeFailure(file, outputWithoutCounts, environment));
      resolve();
    });
  });
}

const describeRun = (file: string, environment: Environment) =>
  [file, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)].join(' with ');

/** Describes a failed file: the names of the failed tests, and the end of the output. */
function describeFailure(file: string, output: string, environment: Environment): string {
  const names = [...output.matchAll(/^✖ (.*) \(.*\)$/gm)].map(([, name]) => `  ✖ ${name}`);
  const end = output.length > MAX_REPEATED_OUTPUT ? `…${output.slice(-MAX_REPEATED_OUTPUT)}` : output;
  return [`✖ ${describeRun(file, environment)}`, ...names, end.trim()].join('\n');
}

type Task = () => Promise<void>;

async function runAll(tasks: readonly Task[], concurrency: number): Promise<void> {
  const queue = [...tasks];
  const runNext = async () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) await task();
  };
  await Promise.all(Array.from({ length: concurrency }, runNext));
}

/** Sorts the longest tests first, estimated by file size, so that the processors finish at about the same time. */
const longestFirst = (files: readonly string[]): string[] => {
  const estimate = (file: string) => (LONG_TESTS.test(file) ? Number.MAX_SAFE_INTEGER : statSync(file).size);
  return files.toSorted((a, b) => estimate(b) - estimate(a));
};

const matchingFiles = (pattern: string) =>
  // Tests install packages into folders next to them, and these packages contain tests of their own.
  globSync(pattern, { exclude: ['**/node_modules'] })
    .filter((file) => pathFilter === undefined || file.includes(pathFilter))
    .filter((file) => !isFast || !needsInstalledPrograms(file));

const unitTests = longestFirst(matchingFiles('src/**/*.test.ts'));
const endToEndTests = longestFirst(matchingFiles('e2e/**/*.test.ts'));
const lastTests = endToEndTests.filter((file) => LAST_TESTS.test(file));
const insecureTests = endToEndTests.filter((file) => INSECURE_CONTEXT_TESTS.test(file));

process.stdout.write(
  `This machine takes about ${slowness.toFixed(1)} times as long as the reference machine; timeouts are scaled accordingly.
${unitTests.length} files of unit tests, ${endToEndTests.length} of end-to-end tests; ${insecureTests.length} of these twice, ${lastTests.length} at the end.
`,
);
if (!isFast) await runCheck('programs used by the tests', process.execPath, ['scripts/test-dependencies.ts']);

/** Closes the resources that the test files share. */
let closeShared: Task = () => Promise.resolve();
if ([...unitTests, ...endToEndTests].some(needsInstalledPrograms)) {
  process.env[SHARED_POSTGRES.template] = await createPostgresTemplate();
  const postgres = await startPostgres();
  sharedEnvironment = { ...sharedEnvironment, [SHARED_POSTGRES.url]: postgres.url };
  closeShared = () => postgres.close();
}

let buildFinished: Promise<void> = Promise.resolve();
const checks: Task[] = [
  () => (buildFinished = runCheck('build', process.execPath, ['scripts/build.ts'])),
  () => runCheck('types', 'tsc', ['-p', '.']),
  () => runCheck('types of the web UI', 'tsc', ['-p', 'src/web']),
  () => runCheck('lint and format', process.execPath, ['scripts/lint.ts']),
  () => runCheck('unused code', 'knip', []),
];
const testTask =
  (file: string, environment: Environment = {}): Task =>
  async () => {
    await buildFinished;
    await runTestFile(file, environment);
  };
await runAll(
  [
    ...(pathFilter === undefined ? checks : []),
    // Tests of the web UI also run over plain HTTP on a host name other than localhost.
    ...endToEndTests.flatMap((file) => [
      ...(LAST_TESTS.test(file) ? [] : [testTask(file)]),
      ...(INSECURE_CONTEXT_TESTS.test(file) ? [testTask(file, { DEVPILOT_TEST_INSECURE: 'on' })] : []),
    ]),
    // Unit tests run afterwards, because short files at the end leave no processor idle.
    ...unitTests.map((file) => testTask(file)),
  ],
  CONCURRENCY,
);
await runAll(
  lastTests.map((file) => testTask(file)),
  2,
);
await closeShared();
if (failures.length > 0) process.stdout.write(`\n# failed\n\n${failures.join('\n\n')}\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
