import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextRate } from './pacer.ts';

test('sending slows down while requests keep the event loop busy, but does not stop', () => {
  /** Returns the initial rate and the rates of the next 200 intervals, in messages per second. */
  const simulate = (initialRate: number, utilizationOf: (rate: number) => number, startMs = 0.05) => {
    const rates = [initialRate];
    for (let interval = 0; interval < 200; interval++) {
      const rate = rates.at(-1) ?? 0;
      rates.push(nextRate(rate, utilizationOf(rate), startMs));
    }
    return rates;
  };
  const ratesOfSaturatedNode = simulate(5_000, () => 1);
  assert.equal(ratesOfSaturatedNode.at(-1), 50, 'a node that requests saturate reaches the minimum rate');
  assert.ok(ratesOfSaturatedNode.indexOf(50) <= 8, 'it reaches the minimum rate in less than half a second');
  assert.equal(simulate(5_000, () => 1, 1).at(-1), 1000 / 300, 'the minimum is lower if a message takes 1 ms to start');
  assert.equal(simulate(50, () => 0).at(-1), 5_000, 'an idle node reaches the maximum rate');
  // A message takes half a millisecond, and the rate settles where messages alone keep the event loop moderately busy.
  const ratesWithoutRequests = simulate(500, (rate) => Math.min(rate / 2_000, 1)).slice(-100);
  const [lowest, highest] = [Math.min(...ratesWithoutRequests), Math.max(...ratesWithoutRequests)];
  assert.ok(lowest > 400 && highest < 1_400, `${lowest} to ${highest}`);
});
