import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatDuration } from './units.ts';

test('durations and sizes are formatted with suitable units', () => {
  assert.deepEqual([-5, 420, 9_999, 12_400, 60_000, 185_000, 3_600_000, 7_800_000].map(formatDuration), [
    '0.0 s',
    '0.4 s',
    '10.0 s',
    '12 s',
    '1 min',
    '3 min 5 s',
    '1 h',
    '2 h 10 min',
  ]);
  assert.deepEqual([0, 512, 1500, 20_000_000, 123_456_789, 5e15].map(formatBytes), [
    '0 B',
    '512 B',
    '1.5 kB',
    '20.0 MB',
    '123 MB',
    '5000 TB',
  ]);
});
