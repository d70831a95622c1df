import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turnEnded } from 'node:timers/promises';
import fc from 'fast-check';
import { batchPerTurn } from './batch-per-turn.ts';

/** `give` adds an item; `handedOver` lists the batches processed so far. */
function gathering(maxBatchSize: number) {
  const handedOver: number[][] = [];
  const give = batchPerTurn<number>(maxBatchSize, (items) => handedOver.push([...items]));
  return { handedOver, give };
}

test('items of one turn of the event loop are processed as one batch at the end of the turn', async () => {
  const { handedOver, give } = gathering(10);
  give(1);
  await Promise.resolve();
  give(2);
  assert.deepEqual(handedOver, []);
  await turnEnded();
  assert.deepEqual(handedOver, [[1, 2]]);
  give(3);
  await turnEnded();
  assert.deepEqual(handedOver, [[1, 2], [3]]);
});

test('a full batch is processed at once, and the remaining items at the end of the turn', async () => {
  const { handedOver, give } = gathering(2);
  for (const item of [1, 2, 3, 4, 5]) give(item);
  assert.deepEqual(handedOver, [
    [1, 2],
    [3, 4],
  ]);
  await turnEnded();
  assert.deepEqual(handedOver, [[1, 2], [3, 4], [5]]);
  await turnEnded();
  assert.equal(handedOver.length, 3);
});

test('an item that is added while a batch is being processed is not lost', async () => {
  const handedOver: number[][] = [];
  const give = batchPerTurn<number>(2, (items) => {
    handedOver.push([...items]);
    if (items.includes(1)) give(9);
  });
  give(1);
  await turnEnded();
  await turnEnded();
  assert.deepEqual(handedOver, [[1], [9]]);
});

test('fuzz: every item is processed once and in order, and no batch exceeds the maximum size', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat({ max: 12 })), async (maxBatchSize, turns) => {
      const { handedOver, give } = gathering(maxBatchSize);
      let given = 0;
      for (const items of turns) {
        for (let item = 0; item < items; item++) give(given++);
        await turnEnded();
      }
      assert.deepEqual(
        handedOver.flat(),
        Array.from({ length: given }, (_, index) => index),
      );
      assert.ok(handedOver.every(({ length }) => length >= 1 && length <= maxBatchSize));
    }),
  );
});
