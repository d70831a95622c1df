import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RESTRICTIONS } from '../contract/restrictions.ts';
import { createRateLimiter, type RateDecision, type ShareRateUses } from './rate-limiter.ts';
import type { CredentialRecord } from './record.ts';
import { type CompiledRestrictions, compileRestrictions, type Rate, type RateLevel } from './restrictions.ts';
import { levelAfter } from './use-limits.ts';

const START = 1_800_000_000_000;
const RECORD = { id: 'tok_1' } as CredentialRecord;

/** A store with the level of one credential, a clock, and nodes that share them. */
function setUp(rate: Rate) {
  let now = START;
  let level: RateLevel = { rateMissing: 0, rateAt: 0 };
  let failure: Error | null = null;
  let writes = 0;
  const share: ShareRateUses = async (uses) => {
    if (failure !== null) throw failure;
    writes++;
    const levels = new Map<string, RateLevel>();
    for (const { credentialId, count } of uses) {
      level = levelAfter(rate, level, count, now);
      levels.set(credentialId, level);
    }
    return levels;
  };
  const read = (storedRate = rate) => {
    const compiled = compileRestrictions({ ...NO_RESTRICTIONS, rate: { ...storedRate }, rateLevel: level });
    assert.ok(compiled?.rate);
    return compiled;
  };
  return {
    advance: (ms: number) => (now += ms),
    fail: (error: Error | null) => (failure = error),
    writes: () => writes,
    read,
    startNode() {
      const limiter = createRateLimiter(share, () => now);
      let restrictions = read();
      const take = () => limiter.take(RECORD, restrictions, restrictions.rate ?? rate, now);
      return {
        ...limiter,
        take,
        takeNow(): RateDecision {
          const taken = take();
          assert.ok(!(taken instanceof Promise), 'decided without I/O');
          return taken;
        },
        /** Reads the record again, as after an eviction or an edit. */
        reread: (storedRate = rate) => (restrictions = read(storedRate)),
      };
    },
  };
}

test('in any period, three nodes accept at most one full bucket, its refill, and the requests of one second on each node', async () => {
  for (const rate of [
    { requests: 20, seconds: 10 },
    { requests: 5, seconds: 1 },
    { requests: 30, seconds: 60 },
  ]) {
    const { startNode, advance } = setUp(rate);
    const nodes = [startNode(), startNode(), startNode()];
    const perSecond = rate.requests / rate.seconds;
    let accepted = 0;
    /** The maximum number of requests that one node has accepted between two exchanges. */
    let maxPerNode = 0;
    for (let second = 0; second < 300; second++) {
      const acceptedBefore = accepted;
      const acceptedByNode = nodes.map(() => 0);
      for (let step = 0; step < 10; step++, advance(100)) {
        for (const [index, node] of nodes.entries()) {
          // One node is idle most of the time, so its level is old when it accepts requests again.
          if (index === 2 && second % 30 !== 0) continue;
          for (let request = 0; request < 4; request++) {
            if (node.takeNow().accepted) acceptedByNode[index] = (acceptedByNode[index] ?? 0) + 1;
          }
        }
      }
      accepted += acceptedByNode.reduce((sum, count) => sum + count, 0);
      maxPerNode = Math.max(maxPerNode, ...acceptedByNode);
      assert.ok(maxPerNode <= rate.requests + perSecond);
      const maxAccepted = rate.requests + (second + 1) * perSecond + nodes.length * maxPerNode;
      assert.ok(accepted <= maxAccepted, `${accepted} of at most ${maxAccepted} after ${second + 1} s`);
      if (acceptedBefore === accepted)
        assert.ok(
          nodes.every((node) => node.size() === 0),
          'nothing to share',
        );
      for (const node of nodes) await node.flush();
    }
    assert.ok(accepted >= 300 * perSecond, 'the full rate can be used');
  }
});

test('a new node starts with the shared level, and reading a record again does not forget accepted requests', async () => {
  const { startNode } = setUp({ requests: 10, seconds: 3600 });
  const node = startNode();
  for (let request = 0; request < 10; request++) assert.equal(node.takeNow().accepted, true);
  node.reread();
  assert.equal(node.takeNow().accepted, false, 'not yet in the store');
  await node.flush();
  assert.equal(node.size(), 0);
  for (const other of [node, startNode()]) {
    other.reread();
    const { accepted, rate } = other.takeNow();
    assert.deepEqual([accepted, rate.remaining, rate.waitMs], [false, 0, 360_000]);
  }
});

test('records of one credential that were read separately share one bucket', () => {
  const rate = { requests: 1000, seconds: 1 };
  const { read } = setUp(rate);
  const limiter = createRateLimiter(
    async () => new Map(),
    () => START,
  );
  const isAccepted = (restrictions: CompiledRestrictions) => {
    const taken = limiter.take(RECORD, restrictions, restrictions.rate ?? rate, START);
    assert.ok(!(taken instanceof Promise));
    return taken.accepted;
  };
  const [first, second] = [read(), read()];
  for (let request = 0; request < 1000; request++) assert.ok(isAccepted(request % 2 === 0 ? first : second));
  for (const restrictions of [first, second, read()]) assert.ok(!isAccepted(restrictions));
});

test('after an edit of the rate the bucket is empty at worst, so one request is refilled within its interval', () => {
  const { startNode } = setUp({ requests: 1000, seconds: 1 });
  const node = startNode();
  for (let request = 0; request < 1000; request++) assert.equal(node.takeNow().accepted, true);
  // Without the cap, each of the thousand unshared requests would take a day to refill.
  node.reread({ requests: 1, seconds: 86_400 });
  const { accepted, rate } = node.takeNow();
  assert.deepEqual([accepted, rate.waitMs], [false, 86_400_000]);
});

test('requests beyond the rate are refused immediately, write nothing to the store and use no memory', async () => {
  const { startNode, advance, writes } = setUp({ requests: 2, seconds: 60 });
  const node = startNode();
  assert.deepEqual([node.takeNow().accepted, node.takeNow().rate.remaining], [true, 0]);
  await node.flush();
  for (let index = 0; index < 10_000; index++) {
    const { accepted, rate } = node.takeNow();
    assert.ok(!accepted && rate.remaining === 0);
  }
  assert.equal(node.size(), 0);
  await node.flush();
  assert.equal(writes(), 1);
  advance(29_999);
  assert.equal(node.takeNow().rate.waitMs, 1);
  advance(1);
  assert.equal(node.takeNow().accepted, true);
});

test('requests wait for the store only if earlier ones have waited to be sent for over a second, and then fail if it is unreachable', async () => {
  const { startNode, advance, fail } = setUp({ requests: 100, seconds: 60 });
  const [node, other] = [startNode(), startNode()];
  for (let request = 0; request < 10; request++) node.takeNow();
  fail(new Error('unreachable'));
  await assert.rejects(node.flush(), /unreachable/);
  advance(1_000);
  node.takeNow();
  advance(1);
  const waiting = [node.take(), node.take()];
  for (const decision of waiting) await assert.rejects(async () => decision, /unreachable/);
  fail(null);
  const taken = await node.take();
  assert.deepEqual([taken.accepted, taken.rate.remaining], [true, 88], 'nothing was lost or counted twice');
  await node.flush();
  other.takeNow();
  await other.flush();
  assert.equal(other.takeNow().rate.remaining, 86);
});

test('a clock that is set back extends a wait at most to the time in which one request is refilled', async () => {
  const { startNode, advance } = setUp({ requests: 1, seconds: 60 });
  const node = startNode();
  assert.deepEqual([node.takeNow().accepted, node.takeNow().accepted], [true, false]);
  await node.flush();
  advance(-3_600_000);
  const { accepted, rate } = node.takeNow();
  assert.deepEqual([accepted, rate.waitMs], [false, 60_000]);
});
