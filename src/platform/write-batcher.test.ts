import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWriteBatcher } from './write-batcher.ts';

test('items that arrive during a write are written together in the next write, and each has its own result', async () => {
  const writes: number[][] = [];
  const gates: (() => void)[] = [];
  const enqueue = createWriteBatcher<number, number>({
    maxBatchSize: 10,
    maxQueuedSize: 100,
    sizeOf: () => 1,
    workspaceOf: () => 'one',
    async write(items) {
      writes.push([...items]);
      await new Promise<void>((resolve) => gates.push(resolve));
      return new Map(items.map((item) => [item, item * 2]));
    },
  });
  const results = [1, 2, 3].map((item) => enqueue(item));
  gates[0]?.();
  assert.equal(await results[0], 2);
  while (gates.length < 2) await Promise.resolve();
  gates[1]?.();
  assert.deepEqual(await Promise.all(results), [2, 4, 6]);
  assert.deepEqual(writes, [[1], [2, 3]]);
});

test('an item that cannot be written does not affect other items, and a full queue rejects further items', async () => {
  const enqueue = createWriteBatcher<string, string>({
    maxBatchSize: 10,
    maxQueuedSize: 6,
    sizeOf: () => 1,
    workspaceOf: () => 'one',
    write: (items) =>
      items.includes('bad')
        ? Promise.reject(new Error('bad'))
        : Promise.resolve(new Map(items.map((item) => [item, item]))),
  });
  const first = enqueue('first');
  const [good, bad, alsoGood] = [enqueue('good'), enqueue('bad'), enqueue('also good')];
  await assert.rejects(enqueue('one too many'), { code: 'unavailable' });
  await assert.rejects(bad, /bad/);
  assert.deepEqual(await Promise.all([first, good, alsoGood]), ['first', 'good', 'also good']);
});

test('workspaces take turns, and a workspace that floods the queue cannot use up the share of other workspaces', async () => {
  const writes: string[][] = [];
  let openGate: () => void = () => undefined;
  const gateOpened = new Promise<void>((resolve) => {
    openGate = resolve;
  });
  const enqueue = createWriteBatcher<string, string>({
    maxBatchSize: 4,
    maxQueuedSize: 12,
    sizeOf: () => 1,
    workspaceOf: (item) => item.charAt(0),
    async write(items) {
      writes.push([...items]);
      await gateOpened;
      return new Map(items.map((item) => [item, item]));
    },
  });
  const flood = Array.from({ length: 20 }, (_, index) => enqueue(`a${index}`));
  const others = ['b1', 'c1', 'b2'].map((item) => enqueue(item));
  openGate();
  const settled = await Promise.allSettled(flood);
  // One item is being written, and the workspace's share of the queue is six of twelve.
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 7);
  assert.deepEqual(await Promise.all(others), ['b1', 'c1', 'b2']);
  assert.deepEqual(writes, [['a0'], ['a1', 'b1', 'c1', 'a2'], ['b2', 'a3', 'a4', 'a5'], ['a6']]);
});
