import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextRate } from './pacer.ts';

test('sending slows down while requests keep the event loop busy, but never stops', () => {
  const settle = (perSecond: number, utilizationOf: (rate: number) => number, startMs = 0.05) => {
    const rates = [perSecond];
    for (let interval = 0; interval < 200; interval++) {
      const rate = rates.at(-1) ?? 0;
      rates.push(nextRate(rate, utilizationOf(rate), startMs));
    }
    return rates;
  };
  assert.equal(settle(5_000, () => 1).at(-1), 50, 'requests alone saturate the event loop');
  assert.equal(settle(5_000, () => 1, 1).at(-1), 1000 / 300, 'and each message takes long');
  assert.ok(settle(5_000, () => 1).indexOf(50) <= 8, 'after less than half a second');
  assert.equal(settle(50, () => 0).at(-1), 5_000, 'an idle node sends as fast as it can');
  // A message takes half a millisecond: messages alone keep the loop busy for less than half of the time.
  const alone = settle(500, (rate) => Math.min(rate / 2_000, 1)).slice(-100);
  assert.ok(Math.min(...alone) > 400 && Math.max(...alone) < 1_400, `${Math.min(...alone)} to ${Math.max(...alone)}`);
});
