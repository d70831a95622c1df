import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Everything that must hold, in order; `npm test -- part` runs only test files whose path contains `part`. */
const only = process.argv[2];
/** Of the whole product: those that install or build something, or freeze and kill, need the machine to themselves. */
const ALONE = /\/(?:deploy|guard|nodes|packages|process|proxies)[^/]*\.test\.ts$/;
let passed = 0;
let failed = 0;

/** Runs a command with its output shown; resolves to the exit code and what it printed. */
function run(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const shown = chunk.toString().replace(/\ncounts \{.*\}\n/, '\n');
      process.stdout.write(shown);
    });
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

async function check(name: string, command: string, args: readonly string[]): Promise<void> {
  process.stdout.write(`\n# ${name}\n`);
  const { code } = await run(command, args);
  if (code === 0) passed++;
  else failed++;
}

async function testFiles(name: string, files: readonly string[], concurrency: number): Promise<void> {
  if (files.length === 0) return;
  process.stdout.write(`\n# ${name}: ${files.length} files\n`);
  const { code, output } = await run(process.execPath, [
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-timeout=300000',
    '--test-reporter=./scripts/reporter.ts',
    '--test-reporter-destination=stdout',
    ...files,
  ]);
  const counts = /\ncounts (\{.*\})\n/.exec(output)?.[1];
  const { passed: good, failed: bad } = JSON.parse(counts ?? '{"passed":0,"failed":1}') as {
    passed: number;
    failed: number;
  };
  passed += good;
  failed += bad;
  // A run in which nothing ran, or that died without saying so, is a failure.
  if ((code !== 0 && bad === 0) || good + bad === 0) failed++;
}

const wanted = (pattern: string) =>
  globSync(pattern)
    .filter((file) => only === undefined || file.includes(only))
    .sort();

if (only === undefined) {
  await check('types', 'tsc', ['-p', '.']);
  await check('types of the page', 'tsc', ['-p', 'src/web']);
  await check('lint and format', 'biome', ['check', '.']);
  await check('unused code', 'knip', []);
  await check('build', process.execPath, ['scripts/build.ts']);
}
await testFiles('tests beside the code', wanted('src/**/*.test.ts'), availableParallelism());
const wholes = wanted('e2e/**/*.test.ts');
if (wholes.length > 0) await check('a browser', process.execPath, ['scripts/chromium.ts']);
await testFiles(
  'the whole product',
  wholes.filter((file) => !ALONE.test(file)),
  availableParallelism(),
);
await testFiles(
  'the whole product, one by one',
  wholes.filter((file) => ALONE.test(file)),
  1,
);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
