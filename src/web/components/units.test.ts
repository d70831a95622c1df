import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatDuration } from './units.ts';

test('durations are formatted with suitable units', () => {
  for (const [milliseconds, expected] of [
    [-5, '0.0 s'],
    [420, '0.4 s'],
    [9_999, '10.0 s'],
    [12_400, '12 s'],
    [60_000, '1 min'],
    [185_000, '3 min 5 s'],
    [3_600_000, '1 h'],
    [7_800_000, '2 h 10 min'],
  ] as const) {
    assert.equal(formatDuration(milliseconds), expected);
  }
});

test('sizes are formatted with suitable units', () => {
  for (const [bytes, expected] of [
    [0, '0 B'],
    [512, '512 B'],
    [1500, '1.5 kB'],
    [20_000_000, '20.0 MB'],
    [123_456_789, '123 MB'],
    [5e15, '5000 TB'],
  ] as const) {
    assert.equal(formatBytes(bytes), expected);
  }
});
