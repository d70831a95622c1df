import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { createActivityIngest } from '../platform/activity/activity-ingest.ts';
import { decodeSketch } from '../platform/activity/distinct-count-sketch.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import { insertWorkspace } from '../store/workspaces.ts';
import { createSeedEvent, type SeedPeriod, seedActivity } from './activity-seed.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const TO = Date.parse('2027-02-25T00:00:00.000Z');

async function createStore(directory: string) {
  const store = await openSqliteStore(join(directory, 'devpilot.db'));
  const row = { id: 'wsp_a', name: 'Acme', slug: 'acme', created_at: TO, updated_at: TO };
  await store.transaction((trx) => insertWorkspace(trx, row));
  return store;
}

test('seeding a period stores the same rows as ingesting its events, including exact and dense sketches', async () => {
  const period: SeedPeriod = { eventCount: 6_000, days: 3, subjectCount: 700, to: TO };
  const [ingested, seeded] = [temporaryDirectory(), temporaryDirectory()];
  const store = await createStore(ingested);
  const ingest = createActivityIngest(store);
  for (let first = 0; first < period.eventCount; first += 1000) {
    const events = Array.from({ length: 1000 }, (_, index) => createSeedEvent(period, first + index));
    assert.equal((await ingest.ingest('wsp_a', events, TO, 'tok_1')).accepted, 1000);
  }
  await (await createStore(seeded)).close();
  seedActivity(join(seeded, 'devpilot.db'), { wsp_a: period });
  const seededStore = await openSqliteStore(join(seeded, 'devpilot.db'));
  const repeatedEvents = Array.from({ length: 100 }, (_, index) => createSeedEvent(period, index * 60));
  const newEvent = { ...createSeedEvent(period, period.eventCount - 1), id: 'new' };
  for (const activityIngest of [ingest, createActivityIngest(seededStore)]) {
    const result = await activityIngest.ingest('wsp_a', [...repeatedEvents, newEvent], TO, 'tok_1');
    assert.deepEqual(result, { accepted: 1, duplicates: 100 });
  }
  for (const query of [
    'select * from activity_event order by sequence',
    'select * from activity_head',
    'select name, sql from sqlite_master order by name, sql',
  ]) {
    const rowsIn = async ({ read }: typeof store) => (await sql.raw(query).execute(read)).rows;
    assert.deepEqual(await rowsIn(seededStore), await rowsIn(store), query);
  }
  const readRollups = async ({ read }: typeof store) => {
    const rows = await read
      .selectFrom('activity_rollup')
      .selectAll()
      .orderBy('grain')
      .orderBy('dimension')
      .orderBy('at')
      .orderBy('key')
      .execute();
    return rows.map((row) => ({ ...row, sketch: row.sketch === null ? null : decodeSketch(row.sketch) }));
  };
  const [expected, actual] = [await readRollups(store), await readRollups(seededStore)];
  assert.ok(expected.some(({ sketch }) => sketch?.kind === 'dense'));
  assert.ok(expected.some(({ sketch }) => sketch?.kind === 'exact'));
  assert.equal(actual.length, expected.length);
  for (const [index, row] of expected.entries()) assert.deepEqual(actual[index], row);
  await store.close();
  await seededStore.close();
});
