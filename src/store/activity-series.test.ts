import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { INTERVAL_NAMES, INTERVALS } from '../contract/platform-vocabulary.ts';
import { splitIntoRollups } from './activity-series.ts';

test('roll-ups cover a range exactly once, as whole days except for less than a day at each end', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...INTERVAL_NAMES),
      fc.nat({ max: 30_000_000 }),
      fc.integer({ min: 1, max: 3_000 }),
      (interval, firstInterval, requestedIntervals) => {
        const from = firstInterval * INTERVALS[interval];
        const to = from + requestedIntervals * INTERVALS[interval];
        const ranges = splitIntoRollups({ interval, from, to }).sort((a, b) => a.from - b.from);
        let expectedFrom = from;
        let intervalCount = 0;
        for (const range of ranges) {
          assert.equal(range.from, expectedFrom);
          assert.ok(range.to > expectedFrom);
          const intervalMs = INTERVALS[range.interval];
          assert.deepEqual([range.from % intervalMs, range.to % intervalMs], [0, 0]);
          intervalCount += (range.to - range.from) / intervalMs;
          expectedFrom = range.to;
        }
        assert.equal(expectedFrom, to);
        // At each end of the range, at most 23 hours and 59 minutes are not part of a whole day.
        assert.ok(
          intervalCount <= Math.ceil((to - from) / INTERVALS.day) + 2 * 23 + 2 * 59,
          `${intervalCount} intervals`,
        );
      },
    ),
  );
});
