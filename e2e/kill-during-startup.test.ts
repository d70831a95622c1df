import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spawnServer, temporaryDirectory } from '../src/testing/process.ts';
import { signUpRemoteOwner } from '../src/testing/test-server.ts';

const COMMAND = fileURLToPath(new URL('../bin/devpilot.mjs', import.meta.url));

/** Starts a server and kills it at a moment of its startup that is recognized by the files in its directory. */
async function startAndKill(directory: string, reached: () => boolean): Promise<void> {
  const env = { ...process.env, PORT: '0', DEVPILOT_DATA_DIR: directory, LOG_LEVEL: 'silent' };
  const child = spawn(process.execPath, [COMMAND, 'serve'], { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  while (!reached() && child.exitCode === null) await pause(1);
  child.kill('SIGKILL');
  await ended;
}

const has = (directory: string, name: string, bytes = 0) => {
  const path = join(directory, name);
  return existsSync(path) && statSync(path).size >= bytes;
};

test('a server killed at any moment of its first start, a later start or a stop starts cleanly', async () => {
  const moments: ((directory: string) => boolean)[] = [
    (directory) => has(directory, 'devpilot.state'),
    (directory) => has(directory, 'devpilot.db'),
    (directory) => has(directory, 'devpilot.db', 4096),
    (directory) => has(directory, 'devpilot.db-wal', 32),
    (directory) => has(directory, 'devpilot.db', 200_000),
  ];
  for (const moment of moments) {
    const directory = temporaryDirectory();
    await startAndKill(directory.path, () => moment(directory.path));
    const server = await spawnServer(directory.path);
    assert.notEqual(server.setupCode, null);
    await server.stop('SIGKILL');
    directory.remove();
  }

  const directory = temporaryDirectory();
  let server = await spawnServer(directory.path);
  await signUpRemoteOwner(server);
  for (const after of [0, 10, 40]) {
    // Kills it during the shutdown, which takes some milliseconds, and during the next start.
    const stopping = server.stop('SIGTERM');
    await pause(after);
    await Promise.all([server.stop('SIGKILL'), stopping]);
    const began = performance.now();
    await startAndKill(
      directory.path,
      () => has(directory.path, 'devpilot.db-shm') && performance.now() - began > after * 10,
    );
    server = await spawnServer(directory.path);
    assert.equal(server.setupCode, null);
  }
  assert.equal((await server.stop('SIGTERM')).code, 0);
  directory.remove();
});
