import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { DAY } from '../contract/words.ts';
import { ACTIVITY_SPAN } from '../store/activity-spans.ts';
import type { Store } from '../store/store.ts';
import { insertWorkspace } from '../store/workspaces.ts';
import { forEachEngine } from '../testing/engines.ts';
import { tidyActivity } from './activity.ts';
import { createIngest, type Ingest, type Taken } from './activity-ingest.ts';

const NOW = Date.parse('2027-02-24T09:30:00.000Z');
const BATCH = 1_000;

forEachEngine('taking events in', (engine) => {
  let store: Store;
  let ingest: Ingest;
  let workspaceId = '';
  let made = 0;
  before(async () => {
    store = await engine.open();
  });
  after(() => store.close());
  beforeEach(async () => {
    workspaceId = `wsp_${++made}`;
    const row = { id: workspaceId, name: workspaceId, slug: `w-${made}`, created_at: NOW, updated_at: NOW };
    await store.transaction((trx) => insertWorkspace(trx, row));
    ingest = createIngest(store);
  });

  const event = (id: number, at = NOW) => ({
    id: `event-${id}`,
    source: `/${id % 3}`,
    type: 't',
    subject: null,
    at,
    data: null,
  });
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);
  const send = (ids: readonly number[], at = NOW): Promise<Taken> =>
    ingest.take(
      workspaceId,
      ids.map((id) => event(id, at)),
      NOW,
      'tok_1',
    );
  async function sendAll(from: number, count: number): Promise<void> {
    for (let at = 0; at < count; at += BATCH) {
      assert.deepEqual(await send(numbers(from + at, BATCH)), { accepted: BATCH, duplicates: 0 });
    }
  }
  async function counted(): Promise<{ events: number; different: number; rolledUp: number }> {
    const { rows } = await sql<{ events: number; different: number; rolled: number }>`select
      (select count(*) from activity_event where workspace_id = ${workspaceId}) as events,
      (select count(*) from (select distinct source, id from activity_event where workspace_id = ${workspaceId}) as one) as different,
      (select cast(sum(count) as bigint) from activity_rollup where workspace_id = ${workspaceId}
        and grain = 'day' and dimension = 'type') as rolled`.execute(store.read);
    const { events = 0, different = 0, rolled = 0 } = rows[0] ?? {};
    return { events, different, rolledUp: rolled };
  }

  test('an event is stored once however many were stored since it came first, also after a new start', async () => {
    const many = 2 * ACTIVITY_SPAN + 3 * BATCH - ((2 * ACTIVITY_SPAN) % BATCH);
    await sendAll(0, many);
    const old = [0, 1, ACTIVITY_SPAN - 2, ACTIVITY_SPAN - 1, ACTIVITY_SPAN, 2 * ACTIVITY_SPAN, many - 1];
    assert.deepEqual(await send(old), { accepted: 0, duplicates: old.length });
    ingest = createIngest(store);
    assert.deepEqual(await send([...old, many]), { accepted: 1, duplicates: old.length });
    assert.deepEqual(await counted(), { events: many + 1, different: many + 1, rolledUp: many + 1 });
  });

  test('it is so where nothing was written down of what full spans hold', async () => {
    const many = ACTIVITY_SPAN + BATCH - (ACTIVITY_SPAN % BATCH);
    await sendAll(0, many);
    await store.transaction((trx) => trx.deleteFrom('activity_span').execute());
    ingest = createIngest(store);
    assert.deepEqual(await send([0, 17, many]), { accepted: 1, duplicates: 2 });
    assert.deepEqual(await counted(), { events: many + 1, different: many + 1, rolledUp: many + 1 });
  });

  test('two that are alike in one write are stored once, also where a span ends between them', async () => {
    const many = ACTIVITY_SPAN - 384 - BATCH;
    await sendAll(0, many);
    const ids = [...numbers(many, 900), many + 900];
    const results = await Promise.all([send(ids), send(ids), send([...ids, many + 901])]);
    assert.deepEqual(
      results.map(({ accepted }) => accepted),
      [901, 0, 1],
    );
    assert.deepEqual(await send(numbers(many, 902)), { accepted: 0, duplicates: 902 });
    assert.deepEqual(await counted(), { events: many + 902, different: many + 902, rolledUp: many + 902 });
  });

  test('a write that failed leaves nothing behind, and what was in it is taken when it comes again', async () => {
    await send([1]);
    await assert.rejects(ingest.take('wsp_nobody', [event(2)], NOW, 'tok_1'));
    const broken = ingest.take(workspaceId, [{ ...event(3), type: 'half a pair: \ud800' }], NOW, 'tok_1');
    await Promise.allSettled([broken]);
    assert.deepEqual(await send([1, 2]), { accepted: 1, duplicates: 1 });
  });

  test('an event may come again when its days are over', async () => {
    const many = ACTIVITY_SPAN + BATCH - (ACTIVITY_SPAN % BATCH);
    for (let at = 0; at < many; at += BATCH) await send(numbers(at, BATCH), NOW - 10 * DAY);
    await send([many]);
    await tidyActivity({ store, ingest }, NOW - 5 * DAY);
    assert.deepEqual(await counted(), { events: 1, different: 1, rolledUp: 1 });
    assert.deepEqual(await send([0, 1, many]), { accepted: 2, duplicates: 1 });
    const spans = await store.read
      .selectFrom('activity_span')
      .select('bits')
      .where('workspace_id', '=', workspaceId)
      .execute();
    assert.deepEqual(spans, engine.name === 'sqlite' ? [{ bits: null }] : []);
  });

  test('whatever is sent in whatever batches, each event is stored and counted once', async () => {
    const ids = fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 40 });
    const all = new Set<number>();
    await fc.assert(
      fc.asyncProperty(fc.array(ids, { minLength: 1, maxLength: 5 }), async (batches) => {
        const results = await Promise.all(batches.map((batch) => send(batch)));
        const before = all.size;
        for (const id of batches.flat()) all.add(id);
        assert.equal(
          results.reduce((sum, { accepted }) => sum + accepted, 0),
          all.size - before,
        );
        assert.equal(
          results.reduce((sum, { accepted, duplicates }) => sum + accepted + duplicates, 0),
          batches.flat().length,
        );
      }),
      { numRuns: 30 },
    );
    assert.deepEqual(await counted(), { events: all.size, different: all.size, rolledUp: all.size });
  });
});
