import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Problem } from '../contract/problem.ts';
import { checkJsonLimits, createYielder, splitJsonArray } from './bounded-json.ts';

const WIDE = { depth: 1_000, values: 1_000_000 };
const bytesOf = (text: string) => Buffer.from(text);
const refusedWith = (code: string) => (error: Problem) => error.code === code;

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('the measured depth of JSON.stringify output is exact', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json(), async (text) => {
      const depth = depthOf(JSON.parse(text));
      await checkJsonLimits(bytesOf(text), { ...WIDE, depth });
      if (depth > 0) {
        await assert.rejects(
          checkJsonLimits(bytesOf(text), { ...WIDE, depth: depth - 1 }),
          refusedWith('invalid_request'),
        );
      }
    }),
  );
});

test('brackets, commas and escapes inside of strings are ignored wherever the text is split', async () => {
  const tricky = JSON.stringify(['[[[,,,"\\"]]]', '\\', '\\"', '{"a":[1,2]}']);
  for (const padding of [0, 1, 2, 3]) {
    // The interesting bytes are around the border between two chunks.
    const text = JSON.stringify([' '.repeat(262_144 - 20 + padding), ...JSON.parse(tricky)]);
    await checkJsonLimits(bytesOf(text), { depth: 1, values: 5 });
    await assert.rejects(checkJsonLimits(bytesOf(text), { depth: 1, values: 4 }), refusedWith('too_large'));
  }
});

test('an array is split into its elements', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), fc.constantFrom('', ' ', '\n\t '), async (values, blank) => {
      const text = `${blank}[${blank}${values.map((value) => JSON.stringify(value)).join(`${blank},`)}${blank}]${blank}`;
      const parts = await splitJsonArray(bytesOf(text), WIDE, 1_000);
      const read = parts?.map((part) => JSON.parse(Buffer.from(part).toString()) as unknown);
      assert.deepEqual(read, JSON.parse(text));
    }),
  );
  assert.equal(await splitJsonArray(bytesOf(' {"a":[]}'), WIDE, 1), null);
  assert.equal(await splitJsonArray(bytesOf(''), WIDE, 1), null);
});

test('an array that is too long is read only as far as needed to know that', async () => {
  const parts = await splitJsonArray(bytesOf(`[${'{},'.repeat(1_000_000)}`), WIDE, 10);
  assert.ok(parts !== null && parts.length > 10 && parts.length < 100_000);
});

test('an array that does not end, or ends too early, is refused', async () => {
  for (const text of ['[', '[1', '[1,', '[[]', '[1]]', '[1] 2', '["', '[1}']) {
    await assert.rejects(splitJsonArray(bytesOf(text), WIDE, 1_000), refusedWith('invalid_request'), text);
  }
});

test('of all that have yielded, one continues per turn of the event loop', async () => {
  let turn = 0;
  let isDone = false;
  const countTurn = () => {
    turn++;
    if (!isDone) setImmediate(countTurn);
  };
  setImmediate(countTurn);
  const turns: number[] = [];
  const work = async () => {
    const yieldIfDue = createYielder();
    for (let yields = 0; yields < 3; ) {
      const pause = yieldIfDue();
      if (pause === undefined) continue;
      await pause;
      turns.push(turn);
      yields++;
    }
  };
  await Promise.all(Array.from({ length: 5 }, work));
  isDone = true;
  assert.equal(turns.length, 15);
  assert.equal(new Set(turns).size, 15, `several continued in one turn: ${turns.join(' ')}`);
});
