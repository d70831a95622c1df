import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAY } from '../src/contract/words.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import type { Store } from '../src/store/store.ts';
import { insertWorkspace } from '../src/store/workspaces.ts';
import { readAnalytics } from '../src/workspace/activity.ts';
import { createIngest } from '../src/workspace/activity-ingest.ts';
import { readCloudEvents } from '../src/workspace/cloud-events.ts';
import type { WorkspaceContext } from '../src/workspace/context.ts';

/**
 * The activity tracker on SQLite: how many events a second it takes in batches of 100 that arrive as
 * JSON, and what a month's chart costs over many events against over a hundredth of them.
 * `node bench/activity.ts [events]`; 10,000,000 take about ten minutes and 6 GB.
 */
const MANY = Number(process.argv[2] ?? 1_000_000);
const FEW = Math.max(1_000, MANY / 100);
const BATCH = 100;
const SENDERS = 32;
const CHARTS = 15;
const NOW = Date.parse('2027-02-24T12:00:00Z');
const TYPES = 12;
const SOURCES = 6;
const SUBJECTS = 500;

let made = 0;
/** A batch as a sender would post it; `within` milliseconds back in time at most. */
function batchOf(within: number): Buffer {
  const events = Array.from({ length: BATCH }, () => {
    const number = made++;
    return {
      specversion: '1.0',
      id: `event-${number}`,
      source: `/service/${number % SOURCES}`,
      type: `thing.happened.${number % TYPES}`,
      subject: `customer-${(number * 7919) % SUBJECTS}`,
      time: new Date(NOW - ((number * 104_729) % within)).toISOString(),
      data: { total: number },
    };
  });
  return Buffer.from(JSON.stringify(events));
}

const HEADERS = { 'content-type': 'application/cloudevents-batch+json' };

async function fill(context: WorkspaceContext, workspaceId: string, events: number, within: number): Promise<number> {
  let left = events / BATCH;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      while (left-- > 0) {
        await context.ingest.take(workspaceId, readCloudEvents(HEADERS, batchOf(within), NOW), NOW);
      }
    }),
  );
  return (events / (performance.now() - started)) * 1000;
}

async function newWorkspace(store: Store, id: string): Promise<string> {
  await store.transaction((trx) =>
    insertWorkspace(trx, { id, name: id, slug: id.replace('_', '-'), created_at: NOW, updated_at: NOW }),
  );
  return id;
}

const median = (times: readonly number[]) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

async function chart(context: WorkspaceContext, workspaceId: string, groupBy: 'type' | 'source' | 'subject') {
  const times: number[] = [];
  for (let at = 0; at < CHARTS; at++) {
    const started = performance.now();
    await readAnalytics(context, workspaceId, { interval: 'day', groupBy });
    times.push(performance.now() - started);
  }
  return median(times);
}

const directory = mkdtempSync(join(tmpdir(), 'devpilot-bench-'));
const store = await openSqliteStore(join(directory, 'devpilot.db'));
try {
  const context = { store, clock: () => NOW, ingest: createIngest(store) } as WorkspaceContext;
  const [many, few] = [await newWorkspace(store, 'wsp_many'), await newWorkspace(store, 'wsp_few')];
  const sustained = await fill(context, await newWorkspace(store, 'wsp_live'), 200_000, 60_000);
  process.stdout.write(`ingest, batches of ${BATCH}, as they happen: ${Math.round(sustained)} events a second\n`);
  await fill(context, few, FEW, 30 * DAY);
  const spread = await fill(context, many, MANY, 30 * DAY);
  process.stdout.write(`ingest, batches of ${BATCH}, spread over a month: ${Math.round(spread)} events a second\n`);
  for (const groupBy of ['type', 'source', 'subject'] as const) {
    const small = await chart(context, few, groupBy);
    const large = await chart(context, many, groupBy);
    const figures = `${large.toFixed(1)} ms over ${MANY}, ${small.toFixed(1)} ms over ${FEW}`;
    process.stdout.write(`a month by ${groupBy}: ${(large / small).toFixed(2)} × (${figures})\n`);
  }
} finally {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
}
