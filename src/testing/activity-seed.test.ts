import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { createActivityIngest } from '../platform/activity/activity-ingest.ts';
import { decodeSketch } from '../platform/activity/distinct-count-sketch.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { insertWorkspace } from '../store/workspaces.ts';
import { createSeedEvent, type SeedPeriod, seedActivity } from './activity-seed.ts';
import { temporaryDirectory } from './process.ts';

const TO = Date.parse('2027-02-25T00:00:00.000Z');

async function createStore(directory: string) {
  const store = await openSqliteStore(join(directory, 'devpilot.db'));
  const row = { id: 'wsp_a', name: 'Acme', slug: 'acme', created_at: TO, updated_at: TO };
  await store.transaction((trx) => insertWorkspace(trx, row));
  return store;
}

test('seeding a period stores the same rows as ingesting its events, including sketches of many subjects', async () => {
  const period: SeedPeriod = { events: 6_000, days: 3, subjects: 700, to: TO };
  const [ingested, seeded] = [temporaryDirectory(), temporaryDirectory()];
  const store = await createStore(ingested.path);
  const ingest = createActivityIngest(store);
  for (let first = 0; first < period.events; first += 1000) {
    const events = Array.from({ length: 1000 }, (_, index) => createSeedEvent(period, first + index));
    assert.equal((await ingest.ingest('wsp_a', events, TO, 'tok_1')).accepted, 1000);
  }
  await (await createStore(seeded.path)).close();
  seedActivity(join(seeded.path, 'devpilot.db'), { wsp_a: period });
  const seededStore = await openSqliteStore(join(seeded.path, 'devpilot.db'));
  const last = { ...createSeedEvent(period, 5_999), id: 'new' };
  const repeatedEvents = Array.from({ length: 100 }, (_, index) => createSeedEvent(period, index * 60));
  assert.deepEqual(await createActivityIngest(seededStore).ingest('wsp_a', [...repeatedEvents, last], TO, 'tok_1'), {
    accepted: 1,
    duplicates: 100,
  });
  assert.deepEqual(await ingest.ingest('wsp_a', [...repeatedEvents, last], TO, 'tok_1'), {
    accepted: 1,
    duplicates: 100,
  });
  for (const table of ['activity_event', 'activity_head', 'sqlite_master']) {
    const order = { activity_event: 'sequence' }[table] ?? '1, 2';
    const columns = table === 'sqlite_master' ? 'name, sql' : '*';
    const query = sql.raw(`select ${columns} from ${table} order by ${order}`);
    assert.deepEqual(
      (await query.execute(seededStore.read)).rows,
      (await sql.raw(query.compile(store.read).sql).execute(store.read)).rows,
      table,
    );
  }
  const counts = async (counted: typeof store) =>
    (
      await counted.read
        .selectFrom('activity_rollup')
        .selectAll()
        .orderBy('grain')
        .orderBy('dimension')
        .orderBy('at')
        .orderBy('key')
        .execute()
    ).map((row) => ({ ...row, sketch: row.sketch === null ? null : decodeSketch(row.sketch) }));
  const [expected, actual] = [await counts(store), await counts(seededStore)];
  assert.ok(
    expected.some(({ sketch }) => sketch?.kind === 'dense') && expected.some(({ sketch }) => sketch?.kind === 'exact'),
  );
  assert.equal(actual.length, expected.length);
  for (const [index, row] of expected.entries()) assert.deepEqual(actual[index], row);
  await store.close();
  await seededStore.close();
  ingested.remove();
  seeded.remove();
});
