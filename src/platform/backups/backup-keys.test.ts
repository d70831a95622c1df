import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRequestContext } from '../../audit/request-context.ts';
import { DAY } from '../../contract/limits.ts';
import { createSeal } from '../../store/seal.ts';
import { openTestStore, seedWorkspace } from '../../testing/test-store.ts';
import type { PlatformContext } from '../context.ts';
import { currentBackupKey, replaceBackupKey, requireBackupKey } from './backup-keys.ts';

test('a replaced key that a starting backup may still use is kept, and deleted when the key is replaced again', async () => {
  const store = await openTestStore();
  const { workspaceId } = await seedWorkspace(store);
  let now = Date.parse('2027-02-24T09:00:00Z');
  const seal = createSeal([Buffer.alloc(32, 1)]);
  const context = { store, seal, clock: () => now } as unknown as PlatformContext;
  const current = await store.transaction((trx) => currentBackupKey(trx, context, workspaceId));
  now += 2 * DAY;
  await replaceBackupKey(context, systemRequestContext(workspaceId));
  assert.deepEqual(await requireBackupKey(store.read, context, workspaceId, current.id), current.key);
  now += 2 * DAY;
  await replaceBackupKey(context, systemRequestContext(workspaceId));
  await assert.rejects(requireBackupKey(store.read, context, workspaceId, current.id), /no longer exists/);
  await store.close();
});
