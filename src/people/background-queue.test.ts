import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBackgroundQueue } from './background-queue.ts';

test('stop waits for running work up to a limit, and drops work that has not started', async () => {
  const errors: unknown[] = [];
  const done: string[] = [];
  const background = createBackgroundQueue(10, (error) => errors.push(error));
  background.run(async () => {
    done.push('first');
  });
  await background.stop(60_000);
  assert.deepEqual(done, ['first']);

  const hanging = createBackgroundQueue(10, (error) => errors.push(error));
  const { promise, resolve } = Promise.withResolvers<void>();
  hanging.run(() => promise);
  hanging.run(async () => {
    done.push('never started');
  });
  await hanging.stop(1);
  resolve();
  await hanging.stop(60_000);
  assert.deepEqual(done, ['first']);
  assert.equal(errors.length, 1);
});
