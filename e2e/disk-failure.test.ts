import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { test } from 'node:test';
import { ensureCommand } from '../src/testing/debian-packages.ts';
import { killProcess } from '../src/testing/kill-process.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { bearer, cookieOf, PASSWORD, sendRequest } from '../src/testing/test-server.ts';

/** Waits until a server prints its URL, and returns the URL. */
function waitForUrl(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    server.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const url = /Devpilot is at (\S+)/.exec(printed)?.[1];
      if (url !== undefined) resolve(url);
    });
    server.once('exit', (code) => reject(new Error(`The server exited with code ${code}: ${printed}`)));
  });
}

function startServer(directory: string, wrapper: readonly string[]): ChildProcess {
  const [command = process.execPath, ...args] = [...wrapper, process.execPath, 'bin/devpilot.mjs', 'serve'];
  const env = { ...process.env, PORT: '0', DEVPILOT_DATA_DIR: directory, LOG_LEVEL: 'silent' };
  return spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
}

function killServer(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    server.removeAllListeners('exit');
    server.once('exit', () => resolve());
    // Kills the whole process group: under strace, `server` is strace and Devpilot is its child process.
    if (server.pid !== undefined) killProcess(-server.pid);
  });
}

test('a creation whose fsync fails returns 503 and leaves nothing behind; every acknowledged token survives', async () => {
  ensureCommand('strace');
  const directory = temporaryDirectory();
  const env = { ...process.env, DEVPILOT_DATA_DIR: directory };
  const init = [
    'bin/devpilot.mjs',
    'init',
    '--email',
    'ada@example.com',
    '--name',
    'Ada',
    '--workspace',
    'Acme',
    '--password-stdin',
  ];
  execFileSync(process.execPath, init, { env, input: PASSWORD });

  // Every seventh fsync fails, beginning with the twelfth.
  const faultInjection = [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=fsync,fdatasync',
    '-e',
    'inject=fsync,fdatasync:error=EIO:when=12+7',
  ];
  let server = startServer(directory, faultInjection);
  const acknowledged: string[] = [];
  const refused: string[] = [];
  try {
    const url = await waitForUrl(server);
    const body = { email: 'ada@example.com', password: PASSWORD };
    let cookie = '';
    for (let tries = 0; cookie === '' && tries < 5; tries++)
      cookie = cookieOf(await sendRequest(url, '/v1/sessions', { body }));
    // The last creation must be a refused one. Then no later write overwrites it in the write-ahead log, from which the
    // restart could restore it.
    for (let count = 0; count < 60 || (count < 100 && !refused.includes(`Token ${count - 1}`)); count++) {
      const name = `Token ${count}`;
      const headers = { cookie, origin: url };
      const created = await sendRequest<{ secret: string }>(url, '/v1/access-tokens', {
        headers,
        body: { name, scopes: ['all'] },
      });
      if (created.status === 201) acknowledged.push(created.body.secret);
      else {
        assert.equal(created.status, 503, created.text);
        refused.push(name);
      }
    }
  } finally {
    await killServer(server);
  }
  assert.ok(refused.length > 0, 'some creations were refused');
  assert.ok(acknowledged.length > 20, 'creations succeeded between the failures');

  server = startServer(directory, []);
  try {
    const url = await waitForUrl(server);
    for (const secret of acknowledged) {
      assert.equal((await sendRequest(url, '/v1/authorize', { headers: bearer(secret) })).status, 200);
    }
    const cookie = cookieOf(
      await sendRequest(url, '/v1/sessions', { body: { email: 'ada@example.com', password: PASSWORD } }),
    );
    for (const name of refused) {
      const listed = await sendRequest<{ data: { name: string }[] }>(
        url,
        `/v1/access-tokens?q=${encodeURIComponent(name)}`,
        {
          headers: { cookie },
        },
      );
      assert.equal(
        listed.body.data.some((token) => token.name === name),
        false,
        name,
      );
    }
  } finally {
    await killServer(server);
  }
});
