import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spawnServer } from '../src/testing/process.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { signUpRemoteOwner } from '../src/testing/test-server.ts';

const COMMAND = fileURLToPath(new URL('../bin/devpilot.mjs', import.meta.url));

/** Starts a server and kills it as soon as `isReached` returns true. */
async function startAndKill(directory: string, isReached: () => boolean): Promise<void> {
  const env = { ...process.env, PORT: '0', DEVPILOT_DATA_DIR: directory, LOG_LEVEL: 'silent' };
  const child = spawn(process.execPath, [COMMAND, 'serve'], { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  while (!isReached() && child.exitCode === null) await pause(1);
  child.kill('SIGKILL');
  await ended;
}

/** Returns whether a directory contains the named file with at least this size. */
const hasFile = (directory: string, name: string, minBytes = 0) => {
  const path = join(directory, name);
  return existsSync(path) && statSync(path).size >= minBytes;
};

test('a server killed during its first start, a later start or a stop starts cleanly', async () => {
  const startupMoments: ((directory: string) => boolean)[] = [
    (directory) => hasFile(directory, 'devpilot.state'),
    (directory) => hasFile(directory, 'devpilot.db'),
    (directory) => hasFile(directory, 'devpilot.db', 4096),
    (directory) => hasFile(directory, 'devpilot.db-wal', 32),
    (directory) => hasFile(directory, 'devpilot.db', 200_000),
  ];
  for (const isReached of startupMoments) {
    const directory = temporaryDirectory();
    await startAndKill(directory, () => isReached(directory));
    const server = await spawnServer(directory);
    assert.notEqual(server.setupCode, null);
    await server.stop('SIGKILL');
  }

  const directory = temporaryDirectory();
  let server = await spawnServer(directory);
  await signUpRemoteOwner(server);
  for (const delayMs of [0, 10, 40]) {
    // Kills the server during its shutdown, which takes some milliseconds, and during the next start.
    const stopping = server.stop('SIGTERM');
    await pause(delayMs);
    await Promise.all([server.stop('SIGKILL'), stopping]);
    const startMs = performance.now();
    await startAndKill(
      directory,
      () => hasFile(directory, 'devpilot.db-shm') && performance.now() - startMs > delayMs * 10,
    );
    server = await spawnServer(directory);
    assert.equal(server.setupCode, null);
  }
  assert.equal((await server.stop('SIGTERM')).code, 0);
});
