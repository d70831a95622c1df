import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillLastDays } from './daily-counts.ts';

test('days without errors are zero, and the last day is today in UTC', () => {
  const now = Date.parse('2027-03-01T23:30:00.000Z');
  assert.deepEqual(fillLastDays([{ day: '2027-02-28', count: 3 }], 3, now), [
    { day: '2027-02-27', count: 0 },
    { day: '2027-02-28', count: 3 },
    { day: '2027-03-01', count: 0 },
  ]);
});
