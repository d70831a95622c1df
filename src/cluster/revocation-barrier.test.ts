import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LeaseSnapshot } from './node.ts';
import { createRevocationBarrier } from './revocation-barrier.ts';

test('a wait is rejected when the barrier stops while it reads the leases', async () => {
  const read = Promise.withResolvers<LeaseSnapshot>();
  const barrier = createRevocationBarrier({
    store: { readLeases: () => read.promise },
    leaseMs: 1_000,
    isNew: true,
    clocks: { monotonic: () => 0 },
    schedule: () => assert.fail('the leases would be read again'),
  });
  const wait = barrier.waitForConfirmation({ number: 1, id: 'i' }, null);
  barrier.stop();
  read.resolve({
    history: 'h',
    live: [{ id: 'nod_1', workspaceId: null, confirmed: 0, remainingMs: 1_000 }],
    lost: [],
  });
  await assert.rejects(wait, { name: 'Problem', code: 'unavailable' });
});
