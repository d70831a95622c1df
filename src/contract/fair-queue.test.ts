import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFairQueue } from './fair-queue.ts';

test('workspaces take turns, none gets more than half of the queue, and a failed task does not block others', async () => {
  const queue = createFairQueue({ maxRunning: 1, capacity: 8 });
  const done: string[] = [];
  const run = (workspace: string, name: string) =>
    queue.run(workspace, async () => {
      await Promise.resolve();
      done.push(name);
      if (name === 'a2') throw new Error('it failed');
    });
  const all = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'c1'].map((name) => run(name.charAt(0), name));
  const settled = await Promise.allSettled(all);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  await assert.rejects(all[4] ?? Promise.resolve(), { code: 'unavailable' });
  assert.deepEqual(done, ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  await run('a', 'later');
  assert.equal(done.at(-1), 'later');
});
