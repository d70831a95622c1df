import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Problem } from '../contract/problem.ts';
import { openTestStore } from '../testing/test-store.ts';
import type { GaugeSources } from './metric-gauges.ts';
import { createMetricsRecorder, type MetricsRecorder } from './metrics.ts';

const GAUGE_SOURCES: GaugeSources = {
  version: '1.0.0',
  cachedRecords: () => 0,
  usageLagMs: () => 0,
  pendingCredentials: () => 0,
  refusedLookupCount: () => 0,
  countJobs: () => Promise.resolve({ waiting: 0, running: 0, dueSince: null }),
  countLocalJobs: () => 0,
  health: {
    isLeaseHeld: () => true,
    countLeases: () => Promise.resolve({ servers: 1, guards: 0 }),
    skewMs: () => 0,
    poolUsages: () => ({}),
    dataDirectory: '/nonexistent',
    databaseFile: null,
  },
  isDiskFull: () => false,
  diskReserveBytes: () => 0,
};

/** Returns the metrics of the first scrape. */
async function scrape(recorder: MetricsRecorder, sources = GAUGE_SOURCES): Promise<string> {
  const server = await recorder.listen({ host: '127.0.0.1', port: 0 }, sources);
  try {
    const { port } = server.address() as AddressInfo;
    return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  } finally {
    server.close();
  }
}

test('the gauges of jobs have current values on the first scrape, which counts the jobs once', async () => {
  let countCalls = 0;
  const text = await scrape(createMetricsRecorder(), {
    ...GAUGE_SOURCES,
    async countJobs() {
      countCalls++;
      await Promise.resolve();
      return { waiting: 2, running: 1, dueSince: Date.now() - 60_000 };
    },
  });
  const dueSeconds = Number(/^devpilot_jobs_due_seconds (\S+)$/m.exec(text)?.[1]);
  assert.ok(dueSeconds >= 60 && dueSeconds < 120, `${dueSeconds} seconds`);
  assert.match(text, /^devpilot_jobs\{status="waiting"\} 2$/m);
  assert.match(text, /^devpilot_jobs\{status="running"\} 1$/m);
  assert.equal(countCalls, 1);
});

test('a request that a transaction refuses does not count as a failure of the store', async () => {
  const testStore = await openTestStore();
  const recorder = createMetricsRecorder();
  const store = recorder.instrumentStore(testStore);
  for (const error of [new Problem('conflict'), new Problem('unavailable'), new Error('unexpected')]) {
    await assert.rejects(
      store.transaction(() => Promise.reject(error)),
      error,
    );
  }
  assert.match(await scrape(recorder), /^devpilot_store_errors_total 2$/m);
  await testStore.close();
});
