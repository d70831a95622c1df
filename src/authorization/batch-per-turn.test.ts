import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turnEnded } from 'node:timers/promises';
import fc from 'fast-check';
import { batchPerTurn } from './batch-per-turn.ts';

/** Gives items and lists what was handed over together. */
function gathering(maxBatchSize: number) {
  const handedOver: number[][] = [];
  const give = batchPerTurn<number>(maxBatchSize, (items) => handedOver.push([...items]));
  return { handedOver, give };
}

test('what comes in one turn of the event loop is handed over together at its end', async () => {
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

test('so many as are taken at most wait for no end, and who comes after them waits for the next', async () => {
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

test('what comes while others are handed over is not lost', async () => {
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

test('fuzz: each item is handed over once, in order, and never more than the most together', async () => {
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
