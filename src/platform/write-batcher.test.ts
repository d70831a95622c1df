import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWriteBatcher } from './write-batcher.ts';

test('items that arrive during a write are written together in the next one, each with its own result', async () => {
  const writes: number[][] = [];
  const gates: (() => void)[] = [];
  const gather = createWriteBatcher<number, number>({
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
  const results = [1, 2, 3].map((item) => gather(item));
  gates[0]?.();
  assert.equal(await results[0], 2);
  while (gates.length < 2) await Promise.resolve();
  gates[1]?.();
  assert.deepEqual(await Promise.all(results), [2, 4, 6]);
  assert.deepEqual(writes, [[1], [2, 3]]);
});

test('an item that cannot be written does not fail the others, and an item is refused if the queue is full', async () => {
  const gather = createWriteBatcher<string, string>({
    maxBatchSize: 10,
    maxQueuedSize: 6,
    sizeOf: () => 1,
    workspaceOf: () => 'one',
    write: (items) =>
      items.includes('bad')
        ? Promise.reject(new Error('bad'))
        : Promise.resolve(new Map(items.map((item) => [item, item]))),
  });
  const first = gather('first');
  const [good, bad, also] = [gather('good'), gather('bad'), gather('also good')];
  await assert.rejects(gather('one too many'), { code: 'unavailable' });
  await assert.rejects(bad, /bad/);
  assert.deepEqual(await Promise.all([first, good, also]), ['first', 'good', 'also good']);
});

test('workspaces take turns, and one that floods the queue leaves room for the others', async () => {
  const writes: string[][] = [];
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const gather = createWriteBatcher<string, string>({
    maxBatchSize: 4,
    maxQueuedSize: 12,
    sizeOf: () => 1,
    workspaceOf: (item) => item.charAt(0),
    async write(items) {
      writes.push([...items]);
      await opened;
      return new Map(items.map((item) => [item, item]));
    },
  });
  const flood = Array.from({ length: 20 }, (_, index) => gather(`a${index}`));
  const others = ['b1', 'c1', 'b2'].map((item) => gather(item));
  open();
  const settled = await Promise.allSettled(flood);
  // One is being written, and its share of the queue is six of twelve.
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 7);
  assert.deepEqual(await Promise.all(others), ['b1', 'c1', 'b2']);
  assert.deepEqual(writes, [['a0'], ['a1', 'b1', 'c1', 'a2'], ['b2', 'a3', 'a4', 'a5'], ['a6']]);
});
