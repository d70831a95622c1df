import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFairShareLimiter } from './fair-share-limiter.ts';

test('one workspace gets at most half of the capacity, and released capacity can be acquired again', () => {
  const limiter = createFairShareLimiter(64);
  const releases = Array.from({ length: 64 }, () => limiter.acquire('one'));
  assert.equal(releases.filter((release) => release !== null).length, 32);
  assert.deepEqual(limiter.keysAtLimit(), ['one']);
  assert.ok(limiter.acquire('two') !== null);
  assert.equal(limiter.acquire('one'), null);
  releases[0]?.();
  releases[0]?.();
  assert.ok(limiter.acquire('one') !== null);
  assert.equal(limiter.acquire('one'), null, 'releasing twice counts once');
});

test('acquiring several units succeeds or fails as a whole', () => {
  const limiter = createFairShareLimiter(100);
  assert.equal(limiter.acquire('one', 101), null);
  assert.ok(limiter.acquire('one', 50) !== null);
  assert.equal(limiter.acquire('one', 1), null);
  assert.ok(limiter.acquire('two', 25) !== null);
  assert.equal(limiter.acquire('two', 1), null);
});

test('a workspace that holds nothing can acquire as long as any capacity is free', () => {
  const workspaces = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  fc.assert(
    fc.property(fc.array(fc.tuple(workspaces, fc.boolean()), { maxLength: 200 }), (steps) => {
      const limiter = createFairShareLimiter(8);
      const releasesByWorkspace = new Map<string, (() => void)[]>();
      for (const [workspace, isRelease] of steps) {
        const releases = releasesByWorkspace.get(workspace) ?? [];
        releasesByWorkspace.set(workspace, releases);
        const release = isRelease ? releases.pop() : undefined;
        if (release !== undefined) release();
        else {
          const newRelease = limiter.acquire(workspace);
          if (newRelease !== null) releases.push(newRelease);
        }
      }
      const heldCounts = [...releasesByWorkspace.values()].map((releases) => releases.length);
      const free = 8 - heldCounts.reduce((sum, count) => sum + count, 0);
      assert.ok(Math.max(0, ...heldCounts) <= 4, 'no workspace holds more than half');
      assert.equal(limiter.acquire('new') !== null, free > 0);
    }),
    { numRuns: 1000 },
  );
});
