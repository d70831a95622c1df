import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Returns the folders in which to search for commands, including the `sbin` folders that only root has in PATH. */
const folders = () => [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
export const isCommandInstalled = (command: string) => folders().some((folder) => existsSync(join(folder, command)));

/**
 * Installs the Debian package of a command with apt-get if the command is missing. `scripts/test-dependencies.ts` does
 * this for all packages before the tests, which run in parallel.
 */
export function ensureCommand(command: string, debianPackage = command): void {
  ensureInstalled(() => isCommandInstalled(command), command, debianPackage);
}

/** Debian packages of the HTTP and OAuth libraries of other languages that tests use, by a file in each package. */
const OAUTH_CLIENTS: Readonly<Record<string, string>> = {
  '/usr/lib/python3/dist-packages/authlib': 'python3-authlib',
  '/usr/lib/python3/dist-packages/httpx': 'python3-httpx',
  '/usr/lib/python3/dist-packages/requests_oauthlib': 'python3-requests-oauthlib',
  '/usr/lib/ruby/vendor_ruby/oauth2.rb': 'ruby-oauth2',
  '/usr/share/rubygems-integration/all/gems/webrick-1.8.1/lib/webrick.rb': 'ruby-webrick',
};

/** Installs the HTTP and OAuth libraries of other languages that are missing. */
export function ensureOAuthClients(): void {
  for (const [file, debianPackage] of Object.entries(OAUTH_CLIENTS)) {
    ensureInstalled(() => existsSync(file), file, debianPackage);
  }
}

/** Installs Sentry's SDK for Python, which a test runs, if it is missing. */
export function ensurePythonSentrySdk(): void {
  const directory = '/usr/lib/python3/dist-packages/sentry_sdk';
  ensureInstalled(() => existsSync(directory), directory, 'python3-sentry-sdk');
}

/** Installs python-dotenv, which a test runs, if it is missing. */
export function ensurePythonDotenv(): void {
  const directory = '/usr/lib/python3/dist-packages/dotenv';
  ensureInstalled(() => existsSync(directory), directory, 'python3-dotenv');
}

/** Installs Apache with mod_auth_openidc, which a test runs, if it is missing. */
export function ensureApache(): void {
  const module = '/usr/lib/apache2/modules/mod_auth_openidc.so';
  ensureInstalled(() => existsSync(module), module, 'libapache2-mod-auth-openidc');
}

function ensureInstalled(isInstalled: () => boolean, required: string, debianPackage: string): void {
  if (isInstalled()) return;
  const install = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=120', '--no-install-recommends', 'install', debianPackage];
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const run = (args: readonly string[]) => {
    // Runlevel 1 prevents the package from starting its own service.
    const [file = '', ...spawnArgs] = [
      ...asRoot,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'RUNLEVEL=1',
      'apt-get',
      ...args,
    ];
    return spawnSync(file, spawnArgs, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 }).status === 0;
  };
  process.stdout.write(`Installing ${debianPackage} …\n`);
  if (run(install) || (run(['-q', 'update']) && run(install))) {
    if (isInstalled()) return;
  }
  throw new Error(`The tests require ${required}. Install the Debian package ${debianPackage}.`);
}
