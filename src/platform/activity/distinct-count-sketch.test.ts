import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addToSketch, decodeSketch, encodeSketch, estimateCount, hashSubject } from './distinct-count-sketch.ts';

const hashesOf = (count: number) => Array.from({ length: count }, (_, index) => hashSubject(`customer-${index}`));

test('up to 256 subjects are counted exactly, and more within five percent', () => {
  for (const count of [0, 1, 2, 100, 256]) {
    assert.equal(estimateCount(addToSketch(decodeSketch(null), hashesOf(count))), count);
  }
  for (const count of [257, 1_000, 10_000, 100_000]) {
    const estimate = estimateCount(addToSketch(decodeSketch(null), hashesOf(count)));
    assert.ok(Math.abs(estimate - count) / count < 0.05, `${count}: ${estimate}`);
  }
});

test('encoding and decoding a sketch between additions does not change its count', () => {
  const hashes = hashesOf(2_000);
  let stored: string | null = null;
  // The slices overlap, so that some hashes are added twice.
  for (let index = 0; index < hashes.length; index += 90) {
    stored = encodeSketch(addToSketch(decodeSketch(stored), hashes.slice(index, index + 100)));
  }
  assert.equal(estimateCount(decodeSketch(stored)), estimateCount(addToSketch(decodeSketch(null), hashes)));
  assert.ok((stored?.length ?? 0) < 6_000, 'a sketch is at most 4,096 registers in base64');
});
