import { execFileSync, spawnSync } from 'node:child_process';

const present = (command: string) => spawnSync('which', [command], { stdio: 'ignore' }).status === 0;

/** Makes sure that a Debian package's command is there, with apt-get where it is missing. */
export function needCommand(command: string, debianPackage = command): void {
  if (present(command)) return;
  const install = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=120', '--no-install-recommends', 'install', debianPackage];
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const run = (args: readonly string[]) => {
    // A package's own service is not started: at runlevel 1 none is.
    const [file = '', ...rest] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', ...args];
    return spawnSync(file, rest, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 240_000 }).status === 0;
  };
  if (run(install) || (run(['-q', 'update']) && run(install))) execFileSync('which', [command], { stdio: 'ignore' });
  else throw new Error(`This test runs ${command}. Install the Debian package ${debianPackage}.`);
}
