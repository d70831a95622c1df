import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextRate } from './pacer.ts';

test('sending slows down while requests keep the event loop busy, but does not stop', () => {
  /** Returns the rates of 200 intervals. */
  const simulate = (perSecond: number, utilizationOf: (rate: number) => number, startMs = 0.05) => {
    const rates = [perSecond];
    for (let interval = 0; interval < 200; interval++) {
      const rate = rates.at(-1) ?? 0;
      rates.push(nextRate(rate, utilizationOf(rate), startMs));
    }
    return rates;
  };
  assert.equal(simulate(5_000, () => 1).at(-1), 50, 'requests alone saturate the event loop');
  assert.equal(simulate(5_000, () => 1, 1).at(-1), 1000 / 300, 'and each message takes a long time to start');
  assert.ok(simulate(5_000, () => 1).indexOf(50) <= 8, 'after less than half a second');
  assert.equal(simulate(50, () => 0).at(-1), 5_000, 'an idle node reaches the maximum rate');
  // A message takes half a millisecond: messages alone keep the loop busy for less than half of the time.
  const ratesWithoutRequests = simulate(500, (rate) => Math.min(rate / 2_000, 1)).slice(-100);
  const [lowest, highest] = [Math.min(...ratesWithoutRequests), Math.max(...ratesWithoutRequests)];
  assert.ok(lowest > 400 && highest < 1_400, `${lowest} to ${highest}`);
});
