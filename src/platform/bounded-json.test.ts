import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Problem } from '../contract/problem.ts';
import { checkJsonLimits, createYielder, splitJsonArray } from './bounded-json.ts';

const WIDE_LIMITS = { depth: 1_000, values: 1_000_000 };
const bytesOf = (text: string) => Buffer.from(text);
const hasCode = (code: string) => (error: Problem) => error.code === code;

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('the depth of any JSON text is measured exactly', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json(), async (text) => {
      const depth = depthOf(JSON.parse(text));
      await checkJsonLimits(bytesOf(text), { ...WIDE_LIMITS, depth });
      if (depth > 0) {
        await assert.rejects(
          checkJsonLimits(bytesOf(text), { ...WIDE_LIMITS, depth: depth - 1 }),
          hasCode('invalid_request'),
        );
      }
    }),
  );
});

test('brackets, commas and escapes inside strings are ignored, even at the boundary of two chunks', async () => {
  const tricky = JSON.stringify(['[[[,,,"\\"]]]', '\\', '\\"', '{"a":[1,2]}']);
  for (const padding of [0, 1, 2, 3]) {
    // The padding shifts the brackets and escapes across the boundary between two chunks.
    const text = JSON.stringify([' '.repeat(262_144 - 20 + padding), ...JSON.parse(tricky)]);
    await checkJsonLimits(bytesOf(text), { depth: 1, values: 5 });
    await assert.rejects(checkJsonLimits(bytesOf(text), { depth: 1, values: 4 }), hasCode('too_large'));
  }
});

test('an array is split into its elements', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), fc.constantFrom('', ' ', '\n\t '), async (values, blank) => {
      const text = `${blank}[${blank}${values.map((value) => JSON.stringify(value)).join(`${blank},`)}${blank}]${blank}`;
      const parts = await splitJsonArray(bytesOf(text), WIDE_LIMITS, 1_000);
      const read = parts?.map((part) => JSON.parse(Buffer.from(part).toString()) as unknown);
      assert.deepEqual(read, JSON.parse(text));
    }),
  );
  assert.equal(await splitJsonArray(bytesOf(' {"a":[]}'), WIDE_LIMITS, 1), null);
  assert.equal(await splitJsonArray(bytesOf(''), WIDE_LIMITS, 1), null);
});

test('reading stops soon after an array exceeds the maximum length', async () => {
  // Reading all of it would exceed the limit of values.
  const parts = await splitJsonArray(bytesOf(`[${'{},'.repeat(1_000_000)}`), WIDE_LIMITS, 10);
  assert.equal(parts?.length, 11);
});

test('an array that does not end, or that is followed by more text, is rejected', async () => {
  for (const text of ['[', '[1', '[1,', '[[]', '[1]]', '[1] 2', '["', '[1}']) {
    await assert.rejects(splitJsonArray(bytesOf(text), WIDE_LIMITS, 1_000), hasCode('invalid_request'), text);
  }
});

test('only one of several paused tasks continues per turn of the event loop', async () => {
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
