import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClockSkew, SKEW_LIMIT_MS } from './clock-skew.ts';

test('skew in either direction is reported once, exceeds the limit only if that is certain, and its end is reported', () => {
  const reports: string[] = [];
  const skew = createClockSkew(
    (skewMs) => reports.push(`warn ${skewMs}`),
    (skewMs) => reports.push(`recovered ${skewMs}`),
  );
  assert.deepEqual([skew.skewMs(), skew.exceedsLimit()], [0, false]);
  for (const direction of [1, -1]) {
    const skewMs = direction * (SKEW_LIMIT_MS + 200);
    skew.record(direction * 900, 0);
    skew.record(direction * 1_500, 600);
    assert.deepEqual(reports.splice(0), [], 'within a second, or not certain to exceed it');
    skew.record(skewMs, 300);
    assert.deepEqual([skew.skewMs(), skew.exceedsLimit()], [skewMs, false]);
    skew.record(skewMs, 100);
    assert.equal(skew.exceedsLimit(), true);
    skew.record(direction * 500, 0);
    assert.equal(skew.exceedsLimit(), false);
    assert.deepEqual(reports.splice(0), [`warn ${skewMs}`, `recovered ${direction * 500}`]);
  }
});
