import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Folders searched for commands, including those of servers that only root's PATH has. */
const folders = () => [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
const isInstalled = (command: string) => folders().some((folder) => existsSync(join(folder, command)));

/**
 * Ensures that the command of a Debian package is installed, with apt-get if it is missing.
 * `scripts/test-dependencies.ts` does so for all of them before the tests, which run in parallel.
 */
export function ensureCommand(command: string, debianPackage = command): void {
  if (isInstalled(command)) return;
  const install = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=120', '--no-install-recommends', 'install', debianPackage];
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const run = (args: readonly string[]) => {
    // Runlevel 1 prevents the package from starting its own service.
    const [file = '', ...rest] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', ...args];
    return spawnSync(file, rest, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 }).status === 0;
  };
  process.stdout.write(`Installing ${debianPackage} …\n`);
  if (run(install) || (run(['-q', 'update']) && run(install))) {
    if (isInstalled(command)) return;
  }
  throw new Error(`The tests run ${command}. Install the Debian package ${debianPackage}.`);
}
