import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { scaledTimeout } from './timeouts.ts';

const run = promisify(execFile);
const OPTIONS = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
const FROM_REGISTRY = ['--prefer-offline', '--fetch-retries=1', '--fetch-timeout=60000'];
const INSTALL_TIMEOUT_MS = 200_000;

/** Creates a directory and installs packages into it with npm. Rejects if the installation fails. */
export async function installPackages(
  directory: string,
  packages: readonly string[],
  npmOptions: readonly string[],
): Promise<void> {
  mkdirSync(directory);
  writeFileSync(join(directory, 'package.json'), '{"private":true,"type":"module"}');
  await run('npm', ['install', ...OPTIONS, ...npmOptions, ...packages], {
    cwd: directory,
    timeout: scaledTimeout(INSTALL_TIMEOUT_MS),
  });
}

/** Installs packages from the configured registry. Returns false and removes the directory if that fails. */
export async function installFromRegistry(directory: string, packages: readonly string[]): Promise<boolean> {
  try {
    await installPackages(directory, packages, FROM_REGISTRY);
    return true;
  } catch {
    rmSync(directory, { recursive: true, force: true });
    return false;
  }
}

/**
 * Installs the packages of a directory's lockfile into the directory, unless they are already installed. Used for
 * development packages that are too large to be installed by every `npm ci`. Rejects if the installation fails.
 */
export async function installLocked(directory: string): Promise<void> {
  const lockfile = join(directory, 'package-lock.json');
  const installed = join(directory, 'node_modules/.installed-lock.json');
  if (existsSync(installed) && readFileSync(installed).equals(readFileSync(lockfile))) return;
  await run('npm', ['ci', ...OPTIONS, ...FROM_REGISTRY], {
    cwd: directory,
    timeout: scaledTimeout(INSTALL_TIMEOUT_MS),
  });
  copyFileSync(lockfile, installed);
}

/** Error codes that npm reports if the registry cannot be reached. */
const OFFLINE_ERRORS = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED/;

/**
 * Like `installLocked`, but returns whether the packages are installed: it skips the test and returns false if the
 * registry cannot be reached. In CI, it rejects instead.
 */
export async function installLockedOrSkip(context: Pick<TestContext, 'skip'>, directory: string): Promise<boolean> {
  try {
    await installLocked(directory);
    return true;
  } catch (error) {
    if (process.env['CI'] === 'true' || !OFFLINE_ERRORS.test(String(error))) throw error;
    context.skip(`The registry cannot be reached to install the packages of ${directory}`);
    return false;
  }
}
