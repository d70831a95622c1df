import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createShares } from './shares.ts';

test('one workspace takes half of the places, and what it gives back can be taken again', () => {
  const shares = createShares(64);
  const taken = Array.from({ length: 64 }, () => shares.take('one'));
  assert.equal(taken.filter((give) => give !== null).length, 32);
  assert.deepEqual(shares.full(), ['one']);
  assert.ok(shares.take('two') !== null);
  assert.equal(shares.take('one'), null);
  taken[0]?.();
  taken[0]?.();
  assert.ok(shares.take('one') !== null);
  assert.equal(shares.take('one'), null, 'what is given back twice counts once');
});

test('larger takes count whole', () => {
  const shares = createShares(100);
  assert.equal(shares.take('one', 101), null);
  assert.ok(shares.take('one', 50) !== null);
  assert.equal(shares.take('one', 1), null);
  assert.ok(shares.take('two', 25) !== null);
  assert.equal(shares.take('two', 1), null);
});

test('whatever others do, a workspace without a place gets one as long as any is free', () => {
  const workspaces = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  fc.assert(
    fc.property(fc.array(fc.tuple(workspaces, fc.boolean()), { maxLength: 200 }), (steps) => {
      const shares = createShares(8);
      const held = new Map<string, (() => void)[]>();
      for (const [workspace, gives] of steps) {
        const own = held.get(workspace) ?? [];
        held.set(workspace, own);
        const give = gives ? own.pop() : undefined;
        if (give !== undefined) give();
        else {
          const taken = shares.take(workspace);
          if (taken !== null) own.push(taken);
        }
      }
      const sizes = [...held.values()].map((own) => own.length);
      const free = 8 - sizes.reduce((sum, size) => sum + size, 0);
      assert.ok(Math.max(0, ...sizes) <= 4, 'no workspace holds more than half');
      assert.equal(shares.take('new') !== null, free > 0);
    }),
    { numRuns: 1000 },
  );
});
