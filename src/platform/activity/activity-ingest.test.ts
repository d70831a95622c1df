import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { DAY } from '../../contract/limits.ts';
import type { Store } from '../../store/store.ts';
import { insertWorkspace } from '../../store/workspaces.ts';
import { forEachEngine } from '../../testing/engines.ts';
import { deleteExpiredActivity } from './activity.ts';
import { type ActivityIngest, createActivityIngest, type IngestResult } from './activity-ingest.ts';

const NOW = Date.parse('2027-02-24T09:30:00.000Z');
const BATCH = 1_000;

forEachEngine('event ingestion', (engine) => {
  let store: Store;
  let ingest: ActivityIngest;
  let workspaceId = '';
  let workspaceCount = 0;
  before(async () => {
    store = await engine.open();
  });
  after(() => store.close());
  beforeEach(async () => {
    workspaceId = `wsp_${++workspaceCount}`;
    const row = { id: workspaceId, name: workspaceId, slug: `w-${workspaceCount}`, created_at: NOW, updated_at: NOW };
    await store.transaction((trx) => insertWorkspace(trx, row));
    ingest = createActivityIngest(store);
  });

  const event = (id: number, at = NOW) => ({
    id: `event-${id}`,
    source: `/${id % 3}`,
    type: 't',
    subject: null,
    at,
    data: null,
  });
  const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);
  const send = (ids: readonly number[], at = NOW): Promise<IngestResult> =>
    ingest.ingest(
      workspaceId,
      ids.map((id) => event(id, at)),
      NOW,
      'tok_1',
    );
  async function sendAll(from: number, count: number): Promise<void> {
    for (let index = 0; index < count; index += BATCH) {
      assert.deepEqual(await send(range(from + index, BATCH)), { accepted: BATCH, duplicates: 0 });
    }
  }
  async function readCounts(): Promise<{ events: number; distinct: number; rolledUp: number }> {
    const { rows } = await sql<{ events: number; distinct_events: number; rolled_up: number }>`select
      (select count(*) from activity_event where workspace_id = ${workspaceId}) as events,
      (select count(*) from (select distinct source, id from activity_event where workspace_id = ${workspaceId}) as distinct_event) as distinct_events,
      (select cast(sum(count) as bigint) from activity_rollup where workspace_id = ${workspaceId}
        and grain = 'day' and dimension = 'type') as rolled_up`.execute(store.read);
    const { events = 0, distinct_events: distinct = 0, rolled_up: rolledUp = 0 } = rows[0] ?? {};
    return { events, distinct, rolledUp };
  }

  test('a repeated event is a duplicate, regardless of how many events were stored after it, and after a restart', async () => {
    const count = 3 * BATCH;
    await sendAll(0, count);
    const repeatedIds = [0, 1, BATCH - 1, BATCH, count - 1];
    assert.deepEqual(await send(repeatedIds), { accepted: 0, duplicates: repeatedIds.length });
    ingest = createActivityIngest(store);
    assert.deepEqual(await send([...repeatedIds, count]), { accepted: 1, duplicates: repeatedIds.length });
    assert.deepEqual(await readCounts(), { events: count + 1, distinct: count + 1, rolledUp: count + 1 });
  });

  test('an event that occurs several times in one write is stored once', async () => {
    const ids = range(0, 900);
    const results = await Promise.all([send(ids), send(ids), send([...ids, 900, 900])]);
    assert.deepEqual(
      results.map(({ accepted }) => accepted),
      [900, 0, 1],
    );
    assert.deepEqual(await readCounts(), { events: 901, distinct: 901, rolledUp: 901 });
  });

  test('a failed write does not affect later writes', async () => {
    await send([1]);
    await assert.rejects(ingest.ingest('wsp_unknown', [event(2)], NOW, 'tok_1'));
    // Whether this write fails depends on the engine.
    const unpairedSurrogate = { ...event(3), type: 'unpaired surrogate: \ud800' };
    await ingest.ingest(workspaceId, [unpairedSurrogate], NOW, 'tok_1').catch(() => undefined);
    assert.deepEqual(await send([1, 2]), { accepted: 1, duplicates: 1 });
  });

  test('an event is accepted again after the original has expired', async () => {
    await send(range(0, BATCH), NOW - 10 * DAY);
    await send([BATCH]);
    await deleteExpiredActivity({ store }, NOW - 5 * DAY);
    assert.deepEqual(await readCounts(), { events: 1, distinct: 1, rolledUp: 1 });
    assert.deepEqual(await send([0, 1, BATCH]), { accepted: 2, duplicates: 1 });
  });

  test('any events in any batches are stored and counted once each', async () => {
    const ids = fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 40 });
    const sentIds = new Set<number>();
    await fc.assert(
      fc.asyncProperty(fc.array(ids, { minLength: 1, maxLength: 5 }), async (batches) => {
        const results = await Promise.all(batches.map((batch) => send(batch)));
        const sizeBefore = sentIds.size;
        for (const id of batches.flat()) sentIds.add(id);
        assert.equal(
          results.reduce((sum, { accepted }) => sum + accepted, 0),
          sentIds.size - sizeBefore,
        );
        assert.equal(
          results.reduce((sum, { accepted, duplicates }) => sum + accepted + duplicates, 0),
          batches.flat().length,
        );
      }),
      { numRuns: 30 },
    );
    assert.deepEqual(await readCounts(), { events: sentIds.size, distinct: sentIds.size, rolledUp: sentIds.size });
  });
});
