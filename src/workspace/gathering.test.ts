import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGathering } from './gathering.ts';

test('what arrives during a write is written together in the next, each with its own result', async () => {
  const writes: number[][] = [];
  const gates: (() => void)[] = [];
  const gather = createGathering<number, number>({
    together: 10,
    waiting: 100,
    sizeOf: () => 1,
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

test('one that can not be written takes no other down, and who finds the line full is told', async () => {
  const gather = createGathering<string, string>({
    together: 10,
    waiting: 3,
    sizeOf: () => 1,
    write: (items) =>
      items.includes('bad')
        ? Promise.reject(new Error('bad'))
        : Promise.resolve(new Map(items.map((one) => [one, one]))),
  });
  const first = gather('first');
  const [good, bad, also] = [gather('good'), gather('bad'), gather('also good')];
  await assert.rejects(gather('one too many'), { code: 'unavailable' });
  await assert.rejects(bad, /bad/);
  assert.deepEqual(await Promise.all([first, good, also]), ['first', 'good', 'also good']);
});
