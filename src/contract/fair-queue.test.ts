import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFairQueue } from './fair-queue.ts';

test('workspaces take turns, none can use more than half of the capacity, and a failed task does not block others', async () => {
  const queue = createFairQueue({ maxRunning: 1, capacity: 8 });
  const finished: string[] = [];
  const run = (workspace: string, name: string) =>
    queue.run(workspace, async () => {
      await Promise.resolve();
      finished.push(name);
      if (name === 'a2') throw new Error('it failed');
    });
  const results = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'c1'].map((name) => run(name.charAt(0), name));
  const settled = await Promise.allSettled(results);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  await assert.rejects(results[4] ?? Promise.resolve(), { code: 'unavailable' });
  assert.deepEqual(finished, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  await run('a', 'later');
  assert.equal(finished.at(-1), 'later');
});
