import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../contract/problem.ts';
import { openTestStore, seedWorkspace } from '../testing/test-store.ts';
import { createDenialWriter } from './denial-writer.ts';
import { createDenialBuffer } from './denials.ts';

async function setUp() {
  const store = await openTestStore();
  const denials = createDenialBuffer();
  const errors: unknown[] = [];
  /** The outcomes of the next transactions: the error with which one fails, or null if it succeeds. */
  const outcomes: (Error | null)[] = [];
  let transactionCount = 0;
  const failingStore: typeof store = {
    ...store,
    transaction(work) {
      transactionCount++;
      const error = outcomes.shift() ?? null;
      return error === null ? store.transaction(work) : Promise.reject(error);
    },
  };
  const actor = { kind: 'api_key', id: 'key_1', name: 'one' } as const;
  const origin = { address: null, userAgent: null, requestId: null };
  return {
    close: store.close,
    errors,
    outcomes,
    transactionCount: () => transactionCount,
    flush: createDenialWriter(
      failingStore,
      denials,
      () => 1,
      (error) => errors.push(error),
    ),
    workspaceIds: [(await seedWorkspace(store)).workspaceId, (await seedWorkspace(store)).workspaceId] as const,
    refuse: (workspaceId: string, reason = 'token_expired') =>
      denials.add({ workspaceId, action: 'credential.denied', actor, credential: null, reason, origin, at: 1 }),
    async countWritten(workspaceId: string) {
      const rows = await store.read
        .selectFrom('audit_event')
        .select('id')
        .where('workspace_id', '=', workspaceId)
        .execute();
      return rows.length;
    },
  };
}

test('while the store is unavailable, refusals stay in memory, and refusals that were already written are not written again', async (t) => {
  const { close, errors, outcomes, flush, workspaceIds, refuse, countWritten } = await setUp();
  t.after(close);
  for (const id of workspaceIds) refuse(id);
  outcomes.push(null, new Problem('unavailable'));
  await assert.rejects(flush(), { code: 'unavailable' });
  outcomes.push(new Problem('unavailable'));
  await assert.rejects(flush(), { code: 'unavailable' });
  await flush();
  for (const id of workspaceIds) assert.equal(await countWritten(id), 1);
  assert.deepEqual(errors, []);
});

test('refusals that cannot be written are reported, and do not block the refusals of other workspaces', async (t) => {
  const { close, errors, outcomes, flush, workspaceIds, refuse, countWritten } = await setUp();
  t.after(close);
  for (const id of workspaceIds) refuse(id);
  const error = new Error('constraint');
  outcomes.push(error);
  await flush();
  await flush();
  assert.deepEqual([await countWritten(workspaceIds[0]), await countWritten(workspaceIds[1])], [0, 1]);
  assert.deepEqual(errors, [error]);
});

test('many refusals are written in several transactions', async (t) => {
  const { close, flush, workspaceIds, refuse, countWritten, transactionCount } = await setUp();
  t.after(close);
  for (let count = 0; count < 501; count++) refuse(workspaceIds[0], `reason ${count}`);
  await flush();
  assert.deepEqual([await countWritten(workspaceIds[0]), transactionCount()], [501, 2]);
});
