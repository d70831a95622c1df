import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFairShareLimiter } from './fair-share-limiter.ts';

test('one workspace gets half of the capacity, and released capacity can be acquired again', () => {
  const shares = createFairShareLimiter(64);
  const releases = Array.from({ length: 64 }, () => shares.acquire('one'));
  assert.equal(releases.filter((release) => release !== null).length, 32);
  assert.deepEqual(shares.keysAtLimit(), ['one']);
  assert.ok(shares.acquire('two') !== null);
  assert.equal(shares.acquire('one'), null);
  releases[0]?.();
  releases[0]?.();
  assert.ok(shares.acquire('one') !== null);
  assert.equal(shares.acquire('one'), null, 'releasing twice counts once');
});

test('acquiring several units succeeds or fails as a whole', () => {
  const shares = createFairShareLimiter(100);
  assert.equal(shares.acquire('one', 101), null);
  assert.ok(shares.acquire('one', 50) !== null);
  assert.equal(shares.acquire('one', 1), null);
  assert.ok(shares.acquire('two', 25) !== null);
  assert.equal(shares.acquire('two', 1), null);
});

test('a workspace that holds nothing can acquire as long as any capacity is free', () => {
  const workspaces = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  fc.assert(
    fc.property(fc.array(fc.tuple(workspaces, fc.boolean()), { maxLength: 200 }), (steps) => {
      const shares = createFairShareLimiter(8);
      const held = new Map<string, (() => void)[]>();
      for (const [workspace, isRelease] of steps) {
        const own = held.get(workspace) ?? [];
        held.set(workspace, own);
        const release = isRelease ? own.pop() : undefined;
        if (release !== undefined) release();
        else {
          const taken = shares.acquire(workspace);
          if (taken !== null) own.push(taken);
        }
      }
      const sizes = [...held.values()].map((own) => own.length);
      const free = 8 - sizes.reduce((sum, size) => sum + size, 0);
      assert.ok(Math.max(0, ...sizes) <= 4, 'no workspace holds more than half');
      assert.equal(shares.acquire('new') !== null, free > 0);
    }),
    { numRuns: 1000 },
  );
});
