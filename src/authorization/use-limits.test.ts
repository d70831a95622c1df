import assert from 'node:assert/strict';
import { test } from 'node:test';
import { levelAfter, takeUses, type UseLimits } from './use-limits.ts';

const NOW = 1_800_000_000_000;
const limitsOf = (fields: Partial<UseLimits>): UseLimits => ({
  rate: null,
  rateMissing: 0,
  rateAt: 0,
  maxUses: null,
  spentUses: 0,
  ...fields,
});

test('a bucket starts full, is refilled evenly, and never admits more than its capacity plus the refill', () => {
  for (const [requests, seconds] of [
    [3, 1],
    [7, 60],
    [100, 60],
    [1_000_000, 86_400],
    [999_999, 1],
  ] as const) {
    let limits = limitsOf({ rate: { requests, seconds } });
    const take = (wanted: number, now: number) => {
      const taken = takeUses(limits, wanted, now);
      ({ limits } = taken);
      return taken;
    };
    const first = take(requests + 5, NOW);
    assert.deepEqual([first.granted, first.refusal, first.rate?.remaining], [requests, 'rate_exceeded', 0]);
    assert.equal(take(1, NOW).granted, 0);
    const { waitMs } = take(1, NOW).rate ?? { waitMs: 0 };
    assert.ok(waitMs >= 1 && waitMs <= Math.ceil((seconds * 1000) / requests), `${requests} ${seconds} ${waitMs}`);
    if (waitMs > 1) assert.equal(take(1, NOW + waitMs - 1).granted, 0, 'not before `waitMs` has passed');
    // With irregular steps, the total stays within the capacity plus the refill.
    let total = requests;
    let now = NOW;
    for (let step = 1; step <= 200; step++) {
      now += (step * 37) % 101;
      total += take(step % 7, now).granted;
      assert.ok(total <= requests + ((now - NOW) * requests) / (seconds * 1000), `${requests}/${seconds}: ${total}`);
    }
    assert.equal(take(1, now + seconds * 1000).rate?.remaining, requests - 1, 'full again after `seconds`');
  }
});

test('rounding loses nothing: requests sent as soon as they are allowed add up to the full rate', () => {
  let limits = limitsOf({ rate: { requests: 7, seconds: 1 } });
  let total = 0;
  for (let now = NOW; now <= NOW + 10_000; now++) {
    const taken = takeUses(limits, 1, now);
    ({ limits } = taken);
    total += taken.granted;
  }
  assert.equal(total, 7 + 70);
});

test('a bucket below empty first refills to empty', () => {
  const rate = { requests: 10, seconds: 10 };
  const level = levelAfter(rate, { rateMissing: 0, rateAt: NOW }, 25, NOW);
  for (const [elapsedMs, granted, waitMs] of [
    [0, 0, 16_000],
    [15_999, 0, 1],
    [16_000, 1, 1_000],
    [25_000, 10, 1_000],
  ] as const) {
    const taken = takeUses(limitsOf({ rate, ...level }), 10, NOW + elapsedMs);
    assert.deepEqual([taken.granted, taken.rate?.waitMs], [granted, waitMs]);
  }
});

test('the level stays a safe integer even after a billion requests', () => {
  const largest = { requests: 1_000_000, seconds: 86_400 };
  const { rateMissing } = levelAfter(largest, { rateMissing: 0, rateAt: 0 }, 1e9, NOW);
  assert.ok(Number.isSafeInteger(rateMissing) && rateMissing >= 64 * 86_400_000);
});

test('nodes whose clocks differ do not refill a bucket twice, and a clock that was set back does not stop the refill', () => {
  // Two nodes, one 3 s ahead, take turns: the ten requests of a minute are not added once per node.
  let limits = limitsOf({ rate: { requests: 10, seconds: 60 } });
  let total = 0;
  for (let now = NOW; now <= NOW + 60_000; now += 500) {
    for (const clock of [now + 3_000, now]) {
      const taken = takeUses(limits, 3, clock);
      ({ limits } = taken);
      total += taken.granted;
    }
  }
  assert.equal(total, 10 + 10);
  // A clock that was a day ahead does not stop the bucket for a day.
  assert.equal(takeUses({ ...limits, rateAt: NOW + 86_400_000 }, 1, NOW).rate?.waitMs, 6_000);
});

test('a refused request counts against neither limit, and the maximum number of uses is checked first', () => {
  const both = { rate: { requests: 2, seconds: 60 }, maxUses: 5, spentUses: 2 };
  const taken = takeUses(limitsOf(both), 4, NOW);
  assert.deepEqual([taken.granted, taken.refusal, taken.spent, taken.limits.spentUses], [2, 'rate_exceeded', false, 4]);
  const last = takeUses({ ...taken.limits, rateMissing: 0 }, 4, NOW);
  assert.deepEqual([last.granted, last.refusal, last.spent, last.rate?.remaining], [1, 'credential_spent', true, 1]);
  const beyondMax = takeUses(last.limits, 1, NOW);
  assert.deepEqual([beyondMax.granted, beyondMax.refusal, beyondMax.rate?.remaining], [0, 'credential_spent', 1]);
  assert.deepEqual(takeUses(limitsOf({}), 3, NOW).granted, 3);
});
