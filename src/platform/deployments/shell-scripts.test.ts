import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../../testing/temporary-directory.ts';
import { HEALTH_CHECK_SCRIPT } from './shell-scripts.ts';

const run = promisify(execFile);

/** Returns the path of a command, or null if it is not installed. */
const pathOf = (command: string): Promise<string | null> =>
  run('/bin/sh', ['-c', `command -v ${command}`]).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );

for (const client of ['curl', 'wget']) {
  test(`${client} checks the URL of a health check, whatever characters it contains`, async (t) => {
    const commands = await Promise.all([client, 'sed'].map(pathOf));
    if (commands.includes(null)) return t.skip(`${client} is not installed`);
    const folder = temporaryDirectory();
    for (const path of commands) if (path !== null) await symlink(path, join(folder, path.split('/').at(-1) ?? ''));
    const requested: string[] = [];
    const server = createServer((request, response) => {
      requested.push(decodeURIComponent(request.url ?? ''));
      response.statusCode = request.url === '/down' ? 503 : 204;
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const check = (path: string) =>
      run('/bin/sh', ['-c', HEALTH_CHECK_SCRIPT], { env: { PATH: folder, DP_URL: `${origin}${path}` } });
    try {
      const paths = ['/up', '/up?filter[ready]=1&only={a,b}', '/up?text="a\\b"&c=$HOME'];
      for (const path of paths) await check(path);
      assert.deepEqual(requested, paths);
      await assert.rejects(check('/down'));
    } finally {
      server.close();
    }
  });
}
