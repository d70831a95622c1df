import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPostgres } from '../testing/postgres.ts';
import { spawnServer } from '../testing/process.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { createKey, signUpRemoteOwner, startTestServer } from '../testing/test-server.ts';
import { createStopDeadline } from './graceful-shutdown.ts';

/** Maximum duration of a shutdown on a busy machine. The server's own deadline is less than half of it. */
const STOP_WITHIN_MS = 12_000;
const USES = 7;

test('a server whose database is lost stops in time with exit code 1, and logs how many uses may be lost', async () => {
  const postgres = await startPostgres();
  const directory = temporaryDirectory();
  try {
    const server = await spawnServer(directory, {
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
    const startMs = performance.now();
    const { code, signal, stdout } = await server.stop('SIGTERM');
    assert.deepEqual([code, signal], [1, null], stdout);
    assert.ok(performance.now() - startMs < STOP_WITHIN_MS, `${performance.now() - startMs} ms`);
    const lastLine = stdout.trim().split('\n').at(-1) ?? '';
    const { msg, err } = JSON.parse(lastLine) as { msg: string; err?: unknown };
    assert.match(msg, /^stopped; .*at most \d+ uses? of credentials/);
    assert.equal(err, undefined);
  } finally {
    await postgres.close();
  }
});

test('a second call of close returns the promise of the first call', async () => {
  const server = await startTestServer();
  const stop = server.running.close();
  assert.equal(server.running.close(), stop);
  await server.close();
});

test('a shutdown waits for work only as long as the work makes progress', async () => {
  let remainingItems = 3;
  const waitUntilDeadline = createStopDeadline(() => remainingItems);
  const work = new Promise<void>((resolve) => {
    const step = () => {
      remainingItems--;
      if (remainingItems === 0) resolve();
      else setTimeout(step, 1_500);
    };
    setTimeout(step, 3_500);
  });
  await waitUntilDeadline(work, 2_500);
  assert.equal(remainingItems, 0);
  await assert.rejects(waitUntilDeadline(new Promise(() => undefined)), /did not respond in time/);
});
