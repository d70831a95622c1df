import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { DAY } from '../src/contract/words.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import type { Store } from '../src/store/store.ts';
import { insertWorkspace } from '../src/store/workspaces.ts';
import { readAnalytics } from '../src/workspace/activity.ts';
import { createIngest } from '../src/workspace/activity-ingest.ts';
import { readCloudEvents } from '../src/workspace/cloud-events.ts';
import type { WorkspaceContext } from '../src/workspace/context.ts';
import { atMost, type Finding, list, median, medianRatio } from './lib/report.ts';

/** Ten million and a hundred thousand are the aim; a hundredth of one another shows the same in a tenth of the time. */
const MANY = 1_000_000;
const FEW = MANY / 100;
const LIVE = 100_000;
const BATCH = 100;
const SENDERS = 32;
const ROUNDS = 7;
const CHARTS = 5;
const LOOK_UPS = 2_000;
const NOW = Date.parse('2027-02-24T12:00:00Z');
const TYPES = 12;
const SOURCES = 6;
const SUBJECTS = 100;

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

const GROUPS = ['type', 'source', 'subject'] as const;
type Group = (typeof GROUPS)[number];

/** What a month's chart takes, in milliseconds: the median of some. */
async function chart(context: WorkspaceContext, workspaceId: string, groupBy: Group): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < CHARTS; at++) {
    const started = performance.now();
    await readAnalytics(context, workspaceId, { interval: 'day', groupBy });
    times.push(performance.now() - started);
  }
  return median(times);
}

async function compareCharts(context: WorkspaceContext, few: string, many: string, groupBy: Group): Promise<Finding[]> {
  const small: number[] = [];
  const large: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const [below, above] = [await chart(context, few, groupBy), await chart(context, many, groupBy)];
    if (round === 0) continue;
    small.push(below);
    large.push(above);
  }
  const what = `a month's chart by ${groupBy} over ${MANY.toLocaleString('en')} events`;
  const from = `${list(large)} ms over ${list(small)} ms`;
  return [
    { what, figure: median(large), unit: ' ms', bound: atMost(100), from },
    { what: `${what} and over a hundredth`, figure: medianRatio(large, small), unit: '×', bound: atMost(1.5), from },
  ];
}

/** The 99th percentile of the look-up that a judgement makes, in milliseconds, each in a turn of its own. */
async function lookUps(store: Store): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < LOOK_UPS; at++) {
    const started = performance.now();
    await store.first('select id from credential where digest = ?', [new Uint8Array(32)]);
    times.push(performance.now() - started);
    await setImmediate();
  }
  return times.sort((one, other) => one - other)[Math.floor(LOOK_UPS * 0.99)] ?? Number.NaN;
}

async function compareLookUps(context: WorkspaceContext, workspaceId: string): Promise<Finding> {
  const without: number[] = [];
  const during: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const alone = await lookUps(context.store);
    let over = false;
    const charts = (async () => {
      while (!over) await chart(context, workspaceId, 'subject');
    })();
    const beside = await lookUps(context.store);
    over = true;
    await charts;
    if (round === 0) continue;
    without.push(alone);
    during.push(beside);
  }
  return {
    what: "p99 of a judgement's look-up while month's charts are read, over without",
    figure: medianRatio(during, without),
    unit: '×',
    bound: atMost(3),
    from: `${list(during)} ms over ${list(without)} ms`,
  };
}

/** The activity tracker on SQLite: what it takes in, what a month's chart costs, and what that does to judgements. */
export async function activity(): Promise<Finding[]> {
  const directory = mkdtempSync(join(tmpdir(), 'devpilot-bench-'));
  const store = await openSqliteStore(join(directory, 'devpilot.db'));
  try {
    const context = { store, clock: () => NOW, ingest: createIngest(store) } as WorkspaceContext;
    const sustained = await fill(context, await newWorkspace(store, 'wsp_live'), LIVE, 60_000);
    const few = await newWorkspace(store, 'wsp_few');
    const many = await newWorkspace(store, 'wsp_many');
    await fill(context, few, FEW, 30 * DAY);
    const spread = await fill(context, many, MANY, 30 * DAY);
    const charts: Finding[] = [];
    for (const groupBy of GROUPS) charts.push(...(await compareCharts(context, few, many, groupBy)));
    return [
      {
        what: `events stored a second in batches of ${BATCH}, parsed, deduplicated and rolled up`,
        figure: sustained,
        unit: '',
        bound: null,
        from: `${list([sustained])} as they happen, ${list([spread])} spread over a month; the aim is 20,000`,
      },
      ...charts,
      await compareLookUps(context, many),
    ];
  } finally {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
