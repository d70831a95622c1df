import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeUses, fillLastThirtyDays } from './daily-uses.ts';

const now = Date.parse('2027-03-01T12:00:00Z');

test('days without uses are included, and the last day is today', () => {
  const days = fillLastThirtyDays([{ day: '2027-02-24', count: 7 }], now);
  assert.equal(days.length, 30);
  assert.deepEqual(days[0], { day: '2027-01-31', label: '31 Jan', uses: 0 });
  assert.deepEqual(days.at(-1), { day: '2027-03-01', label: '1 Mar', uses: 0 });
  assert.equal(days.find(({ day }) => day === '2027-02-24')?.uses, 7);
});

test('the chart is described in a sentence', () => {
  const days = [
    { day: '2027-02-24', count: 1200 },
    { day: '2027-02-25', count: 34 },
  ];
  assert.equal(
    describeUses(fillLastThirtyDays(days, now)),
    '1,234 uses on 2 of the last 30 days; most on 24 Feb (1,200).',
  );
  assert.equal(describeUses(fillLastThirtyDays(days.slice(1), now)), '34 uses in the last 30 days, on 25 Feb.');
  assert.equal(describeUses(fillLastThirtyDays([], now)), 'No uses in the last 30 days.');
});
