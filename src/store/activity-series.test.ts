import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { INTERVAL_NAMES, INTERVALS } from '../contract/platform-vocabulary.ts';
import { splitIntoRollups } from './activity-series.ts';

test('the fewest roll-ups that cover a range exactly once are chosen', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...INTERVAL_NAMES),
      fc.nat({ max: 30_000_000 }),
      fc.integer({ min: 1, max: 3_000 }),
      (grain, first, steps) => {
        const from = first * INTERVALS[grain];
        const to = from + steps * INTERVALS[grain];
        const pieces = splitIntoRollups({ interval: grain, from, to }).sort((one, other) => one.from - other.from);
        let expectedFrom = from;
        let parts = 0;
        for (const piece of pieces) {
          assert.equal(piece.from, expectedFrom);
          assert.ok(piece.to > expectedFrom);
          const step = INTERVALS[piece.interval];
          assert.deepEqual([piece.from % step, piece.to % step], [0, 0]);
          parts += (piece.to - piece.from) / step;
          expectedFrom = piece.to;
        }
        assert.equal(expectedFrom, to);
        assert.ok(parts <= Math.ceil((to - from) / INTERVALS.day) + 2 * 23 + 2 * 59, `${parts} parts`);
      },
    ),
  );
});
