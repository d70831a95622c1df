import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { DAY } from '../src/contract/limits.ts';
import { analyticsAsJson, getAnalytics } from '../src/platform/activity/activity.ts';
import { createActivityIngest } from '../src/platform/activity/activity-ingest.ts';
import { readCloudEvents } from '../src/platform/activity/cloud-events.ts';
import type { PlatformContext } from '../src/platform/context.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import type { Store } from '../src/store/store.ts';
import { insertWorkspace } from '../src/store/workspaces.ts';
import { createSeedEvent, seedActivity } from '../src/testing/activity-seed.ts';
import { ensureWrk, load, PACED_PAUSE_MS } from './lib/load.ts';
import { LOAD_CORE, run, startServerProcess } from './lib/processes.ts';
import { atMost, type Finding, formatList, median, medianRatio } from './lib/report.ts';
import { RUN_DIRECTORY, type SeededDirectory, seededDirectory } from './lib/seed.ts';

/** Number of events without `--full`. The ratios are the same as with `--full`, in a tenth of the time. */
const MANY_EVENTS = 1_000_000;
const MANY_EVENTS_WITH_FULL = 10_000_000;
const FEW_EVENTS = 100_000;
const SUBJECTS = 1_000;
const INGESTED_EVENTS = 100_000;
const BATCH_SIZE = 100;
const SENDERS = 32;
const ROUNDS = 7;
const CHARTS_PER_ROUND = 5;
const LOAD_SECONDS = 4;
const CREDENTIALS = 10_000;
/** End of a day, so that the chart of a month covers thirty complete days. */
const PERIOD_END = Date.parse('2027-02-25T00:00:00Z');
const NOW = PERIOD_END - 1;

const HEADERS = { 'content-type': 'application/cloudevents-batch+json' };

/** How the IDs and the number of subjects of the sent events are chosen. */
interface EventMix {
  readonly createEventId: (eventNumber: number) => string;
  readonly subjects: number;
}
const SEQUENTIAL_IDS: EventMix = { createEventId: (eventNumber) => `event-live-${eventNumber}`, subjects: 100 };
const RANDOM_IDS: EventMix = { createEventId: () => randomUUID(), subjects: 100_000 };

let createdEvents = 0;
/** Creates the body of a batch with events of the last minute. */
function createBatch({ createEventId, subjects }: EventMix): Buffer {
  const events = Array.from({ length: BATCH_SIZE }, () => {
    const eventNumber = createdEvents++;
    const period = { eventCount: 1, days: 1, subjectCount: subjects, to: PERIOD_END };
    const { source, type, subject, data } = createSeedEvent(period, eventNumber);
    const time = new Date(NOW - (eventNumber % 60_000)).toISOString();
    return { specversion: '1.0', id: createEventId(eventNumber), source, type, subject, time, data };
  });
  return Buffer.from(JSON.stringify(events));
}

/** Parses and stores batches as the route does. Returns events per second. */
async function measureIngestRate(context: PlatformContext, workspaceId: string, eventMix: EventMix): Promise<number> {
  // The first batch of a workspace also reads its state, so it is not measured.
  await context.activityIngest.ingest(
    workspaceId,
    await readCloudEvents(HEADERS, createBatch(eventMix), NOW),
    NOW,
    'tok_bench',
  );
  const batches = Array.from({ length: INGESTED_EVENTS / BATCH_SIZE }, () => createBatch(eventMix));
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
        await context.activityIngest.ingest(workspaceId, await readCloudEvents(HEADERS, batch, NOW), NOW, 'tok_bench');
        await setImmediate();
      }
    }),
  );
  return (INGESTED_EVENTS / (performance.now() - startMs)) * 1000;
}

async function createWorkspace(store: Store, id: string): Promise<string> {
  await store.transaction((trx) =>
    insertWorkspace(trx, { id, name: id, slug: id.replace('_', '-'), created_at: NOW, updated_at: NOW }),
  );
  return id;
}

const MONTH_CHARTS = [
  { interval: 'day', groupBy: 'type' },
  { interval: 'day', groupBy: 'source' },
  { interval: 'day', groupBy: 'subject' },
  { interval: 'hour', groupBy: 'type' },
  { interval: 'hour', groupBy: 'subject' },
] as const;
type MonthChart = (typeof MONTH_CHARTS)[number];
const CHART_PERIOD = { from: new Date(PERIOD_END - 30 * DAY).toISOString(), to: new Date(PERIOD_END).toISOString() };

/** Returns the median duration of building the chart of a month, in milliseconds. */
async function timeChart(context: PlatformContext, workspaceId: string, chart: MonthChart): Promise<number> {
  const timesMs: number[] = [];
  for (let index = 0; index < CHARTS_PER_ROUND; index++) {
    const startMs = performance.now();
    const analytics = await getAnalytics(context, workspaceId, { ...chart, ...CHART_PERIOD });
    await Array.fromAsync(analyticsAsJson(analytics));
    timesMs.push(performance.now() - startMs);
  }
  return median(timesMs);
}

async function compareCharts(
  context: PlatformContext,
  workspaces: { fewEventsId: string; manyEventsId: string; manyEvents: number },
  chart: MonthChart,
): Promise<Finding[]> {
  const { fewEventsId, manyEventsId, manyEvents } = workspaces;
  const fewEventsMs: number[] = [];
  const manyEventsMs: number[] = [];
  // The first round is a warm-up.
  for (let round = 0; round <= ROUNDS; round++) {
    const fewMs = await timeChart(context, fewEventsId, chart);
    const manyMs = await timeChart(context, manyEventsId, chart);
    if (round === 0) continue;
    fewEventsMs.push(fewMs);
    manyEventsMs.push(manyMs);
  }
  const name = `a month's chart by ${chart.interval} and ${chart.groupBy} over ${manyEvents.toLocaleString('en')} events`;
  const measurements = `${formatList(manyEventsMs)} ms over ${formatList(fewEventsMs)} ms`;
  return [
    { name, value: median(manyEventsMs), unit: ' ms', bound: null, measurements },
    {
      name: `${name}, relative to ${FEW_EVENTS.toLocaleString('en')}`,
      value: medianRatio(manyEventsMs, fewEventsMs),
      unit: '×',
      // With few events and hourly intervals, most points of most subjects are empty, so the results are not
      // comparable.
      bound: chart.interval === 'hour' && chart.groupBy === 'subject' ? null : atMost(1.5),
      measurements,
    },
  ];
}

const CHART_SCRIPT = `
local index = 0
function request()
  index = index % #queries + 1
  return wrk.format('GET', '/v1/activity/analytics?' .. queries[index])
end
function done(summary)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"errors":%d}\\n', summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`;

/** Requests the charts of a month one at a time, with a client that uses little CPU time. Returns charts per second. */
async function readCharts(url: string, { cookie, workspaceId }: SeededDirectory, seconds: number): Promise<number> {
  const script = join(RUN_DIRECTORY, 'charts.lua');
  const queries = MONTH_CHARTS.map((chart) => `"${new URLSearchParams({ ...chart, ...CHART_PERIOD })}"`);
  writeFileSync(script, `queries = { ${queries.join(', ')} }\n${CHART_SCRIPT}`);
  const headers = ['-H', `Cookie: ${cookie}`, '-H', `Devpilot-Workspace: ${workspaceId}`];
  const wrk = ['wrk', '-t1', '-c1', `-d${seconds}s`, '--timeout', '30s', ...headers, '-s', script, url];
  const output = await run('taskset', ['-c', LOAD_CORE, ...wrk]);
  const { requests, errors } = JSON.parse(output.split('\n').find((line) => line.startsWith('{')) ?? '{}');
  if (errors !== 0) throw new Error(`Reading charts failed: ${output}`);
  return requests / seconds;
}

/** Compares p99 of `/v1/authorize` with and without charts of a month being read continuously. */
async function compareAuthorizations(seeded: SeededDirectory): Promise<Finding[]> {
  const server = await startServerProcess('bench/lib/serve.ts', { directory: seeded.directory });
  try {
    const findings: Finding[] = [];
    for (const meanPauseMs of [PACED_PAUSE_MS, 0]) {
      const aloneMs: number[] = [];
      const duringMs: number[] = [];
      const chartsPerSecond: number[] = [];
      const options = { seconds: LOAD_SECONDS, secretCount: 1_000, meanPauseMs };
      const measureP99 = async () => (await load(seeded.secretsFile, `${server.url}/v1/authorize`, options)).p99Ms;
      for (let round = 0; round <= 5; round++) {
        const withoutCharts = await measureP99();
        const [withCharts, charts] = await Promise.all([measureP99(), readCharts(server.url, seeded, LOAD_SECONDS)]);
        if (round === 0) continue;
        aloneMs.push(withoutCharts);
        duringMs.push(withCharts);
        chartsPerSecond.push(charts);
      }
      findings.push({
        name: `p99 of /v1/authorize ${meanPauseMs > 0 ? 'at about 3,000 requests per second' : 'at full load'} while charts of a month are read, relative to p99 without`,
        value: medianRatio(duringMs, aloneMs),
        unit: '×',
        bound: atMost(3),
        measurements: `${formatList(duringMs)} over ${formatList(aloneMs)} ms; ${formatList(chartsPerSecond)} charts per second`,
      });
    }
    return findings;
  } finally {
    await server.stop();
  }
}

/** Measures the activity tracker on SQLite: ingest rate, cost of the chart of a month, and its effect on decisions. */
export async function activity({ full }: { readonly full: boolean }): Promise<Finding[]> {
  await ensureWrk();
  const seeded = await seededDirectory(CREDENTIALS);
  const path = join(seeded.directory, 'devpilot.db');
  const manyEvents = full ? MANY_EVENTS_WITH_FULL : MANY_EVENTS;
  const manyEventsId = seeded.workspaceId;
  const fewEventsId = 'wsp_few';
  const setupStore = await openSqliteStore(path);
  for (const id of [fewEventsId, 'wsp_sequential', 'wsp_random']) await createWorkspace(setupStore, id);
  await setupStore.close();
  const startMs = performance.now();
  const period = { days: 30, subjectCount: SUBJECTS, to: PERIOD_END };
  seedActivity(path, {
    [fewEventsId]: { ...period, eventCount: FEW_EVENTS },
    [manyEventsId]: { ...period, eventCount: manyEvents },
  });
  process.stdout.write(
    `  (seeded ${manyEvents.toLocaleString('en')} events in ${Math.round((performance.now() - startMs) / 1000)} s)\n`,
  );
  const store: Store = await openSqliteStore(path);
  const findings: Finding[] = [];
  try {
    const context = { store, clock: () => NOW, activityIngest: createActivityIngest(store) } as PlatformContext;
    const workspaces = { fewEventsId, manyEventsId, manyEvents };
    for (const chart of MONTH_CHARTS) findings.push(...(await compareCharts(context, workspaces, chart)));
    const eventMixes = [
      { name: 'sequential IDs, 100 subjects', eventMix: SEQUENTIAL_IDS, emptyWorkspaceId: 'wsp_sequential' },
      { name: 'random IDs, 100,000 subjects', eventMix: RANDOM_IDS, emptyWorkspaceId: 'wsp_random' },
    ];
    for (const { name, eventMix, emptyWorkspaceId } of eventMixes) {
      const rateIntoEmpty = await measureIngestRate(context, emptyWorkspaceId, eventMix);
      const rateIntoFilled = await measureIngestRate(context, manyEventsId, eventMix);
      findings.push({
        name: `events stored per second in batches of ${BATCH_SIZE}, ${name}`,
        value: rateIntoEmpty,
        unit: '',
        bound: null,
        measurements: `${formatList([rateIntoEmpty])} into an empty workspace, ${formatList([rateIntoFilled])} into a workspace that contains ${manyEvents.toLocaleString('en')} events; the goal is 20,000`,
      });
    }
  } finally {
    await store.close();
  }
  return [...findings, ...(await compareAuthorizations(seeded))];
}
