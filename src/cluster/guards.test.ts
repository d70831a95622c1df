import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGuards } from './guards.ts';

test('a heartbeat that the store leaves unprocessed is rejected with a problem', async () => {
  const guards = createGuards({
    store: {
      runGuardRenewal: () => Promise.resolve(),
      readWorkspace: () => Promise.reject(new Error('not expected')),
      releaseLease: () => Promise.resolve(),
    },
    read: () => Promise.resolve(null),
    leaseMs: 1_000,
    schedule: () => () => undefined,
  });
  const heartbeat = { id: 'nod_1', workspaceId: 'wsp_1', applied: null, advanced: false };
  await assert.rejects(guards.renewLease(heartbeat), { name: 'Problem', code: 'internal' });
});
