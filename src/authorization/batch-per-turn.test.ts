import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { batchPerTurn } from './batch-per-turn.ts';

/** `add` adds an item; `batches` lists the batches processed so far. */
function setUp(maxBatchSize: number) {
  const batches: number[][] = [];
  const add = batchPerTurn<number>(maxBatchSize, (items) => batches.push([...items]));
  return { batches, add };
}

test('items of one turn of the event loop are processed as one batch at the end of the turn', async () => {
  const { batches, add } = setUp(10);
  add(1);
  await Promise.resolve();
  add(2);
  assert.deepEqual(batches, []);
  await endOfTurn();
  assert.deepEqual(batches, [[1, 2]]);
  add(3);
  await endOfTurn();
  assert.deepEqual(batches, [[1, 2], [3]]);
});

test('a full batch is processed immediately, and the remaining items at the end of the turn', async () => {
  const { batches, add } = setUp(2);
  for (const item of [1, 2, 3, 4, 5]) add(item);
  assert.deepEqual(batches, [
    [1, 2],
    [3, 4],
  ]);
  await endOfTurn();
  assert.deepEqual(batches, [[1, 2], [3, 4], [5]]);
  await endOfTurn();
  assert.equal(batches.length, 3);
});

test('an item that is added while a batch is being processed is not lost', async () => {
  const batches: number[][] = [];
  const add = batchPerTurn<number>(2, (items) => {
    batches.push([...items]);
    if (items.includes(1)) add(9);
  });
  add(1);
  await endOfTurn();
  await endOfTurn();
  assert.deepEqual(batches, [[1], [9]]);
});

test('fuzz: every item is processed once and in order, and no batch exceeds the maximum size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat({ max: 12 })),
      async (maxBatchSize, itemCounts) => {
        const { batches, add } = setUp(maxBatchSize);
        let added = 0;
        // Each count is the number of items added in one turn.
        for (const itemCount of itemCounts) {
          for (let count = 0; count < itemCount; count++) add(added++);
          await endOfTurn();
        }
        assert.deepEqual(
          batches.flat(),
          Array.from({ length: added }, (_, index) => index),
        );
        assert.ok(batches.every(({ length }) => length >= 1 && length <= maxBatchSize));
      },
    ),
  );
});
