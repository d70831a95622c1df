import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPostgres } from '../testing/postgres.ts';
import { spawnServer, temporaryDirectory } from '../testing/process.ts';
import { createKey, signUpRemoteOwner, startTestServer } from '../testing/test-server.ts';
import { createStopDeadline } from './graceful-shutdown.ts';

/** Upper limit of a stop on a busy machine, milliseconds; the server's own deadline is less than half of it. */
const STOP_WITHIN_MS = 12_000;
const USES = 7;

test('a server whose database is lost stops in time with exit 1, and one line says how many uses may be lost', async () => {
  const postgres = await startPostgres();
  const directory = temporaryDirectory();
  try {
    const server = await spawnServer(directory.path, {
      DATABASE_URL: await postgres.createDatabase(),
      DEVPILOT_SECRET: 'x'.repeat(40),
      LOG_LEVEL: 'error',
    });
    const owner = await signUpRemoteOwner(server);
    const { secret } = await createKey(owner, ['read']);
    const authorize = () => fetch(`${server.url}/v1/authorize`, { headers: { authorization: `Bearer ${secret}` } });
    await authorize();
    await postgres.stop('SIGKILL');
    for (let count = 0; count < USES; count++) await authorize();
    const began = performance.now();
    const { code, signal, stdout } = await server.stop('SIGTERM');
    assert.deepEqual([code, signal], [1, null], stdout);
    assert.ok(performance.now() - began < STOP_WITHIN_MS, `${performance.now() - began} ms`);
    const last = stdout.trim().split('\n').at(-1) ?? '';
    const { msg, err } = JSON.parse(last) as { msg: string; err?: unknown };
    assert.match(msg, /^stopped; .*at most \d+ uses? of credentials/);
    assert.equal(err, undefined);
  } finally {
    await postgres.close();
    directory.remove();
  }
});

test('a second stop waits for the first', async () => {
  const server = await startTestServer();
  const stop = server.running.close();
  assert.equal(server.running.close(), stop);
  await server.close();
});

test('a stop waits for work that makes progress, and not for work that does not', async () => {
  let left = 3;
  const withinStop = createStopDeadline(() => left);
  const work = new Promise<void>((resolve) => {
    const step = () => {
      left--;
      if (left === 0) resolve();
      else setTimeout(step, 1_500);
    };
    setTimeout(step, 3_500);
  });
  await withinStop(work, 2_500);
  assert.equal(left, 0);
  await assert.rejects(withinStop(new Promise(() => undefined)), /did not respond in time/);
});
