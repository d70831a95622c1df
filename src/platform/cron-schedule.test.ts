import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextOccurrence } from './cron-schedule.ts';

/** Returns the next `count` due times of a schedule after an instant, in UTC. */
function occurrences(schedule: string, timeZone: string, after: string, count: number): string[] {
  const times: string[] = [];
  for (let at = Date.parse(after); times.length < count; ) {
    at = nextOccurrence(schedule, at, timeZone) ?? Number.NaN;
    times.push(new Date(at).toISOString().slice(0, 16));
  }
  return times;
}

test('a time of day that is skipped when clocks go forward is due at the end of the gap', () => {
  assert.deepEqual(occurrences('30 2 * * *', 'Europe/Berlin', '2027-03-27T12:00Z', 2), [
    '2027-03-28T01:00',
    '2027-03-29T00:30',
  ]);
  // Half an hour is skipped on Lord Howe Island.
  assert.deepEqual(occurrences('15 2 * * *', 'Australia/Lord_Howe', '2027-10-02T12:00Z', 2), [
    '2027-10-02T15:30',
    '2027-10-03T15:15',
  ]);
});

test('a time of day that is repeated when clocks go back is due once', () => {
  // 02:30 is not repeated in New York; 01:30 is.
  assert.deepEqual(occurrences('30 2 * * *', 'America/New_York', '2027-11-06T12:00Z', 2), [
    '2027-11-07T07:30',
    '2027-11-08T07:30',
  ]);
  assert.deepEqual(occurrences('30 1 * * *', 'America/New_York', '2027-11-06T12:00Z', 2), [
    '2027-11-07T05:30',
    '2027-11-08T06:30',
  ]);
});

test('a schedule with a wildcard hour is due every hour across both clock changes', () => {
  assert.deepEqual(occurrences('0 * * * *', 'Europe/Berlin', '2027-03-28T00:00Z', 3), [
    '2027-03-28T01:00',
    '2027-03-28T02:00',
    '2027-03-28T03:00',
  ]);
  assert.deepEqual(occurrences('0 * * * *', 'Europe/Berlin', '2027-10-30T23:30Z', 3), [
    '2027-10-31T00:00',
    '2027-10-31T01:00',
    '2027-10-31T02:00',
  ]);
});
