import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { FAULTS } from './simulation-faults.ts';
import type { HistoriesRequest, HistoriesResult } from './simulation-worker.ts';

const HISTORY_COUNT = 20_000;
/** Number of tests that share the histories, to show progress. */
const PART_COUNT = 5;

// Most objects of a history are short-lived, so with a large young generation few of them are promoted.
const worker = new Worker(new URL('./simulation-worker.ts', import.meta.url), {
  resourceLimits: { maxYoungGenerationSizeMb: 64 },
});
let hasExited = false;
worker.once('exit', () => (hasExited = true));
after(() => worker.terminate());

async function runHistories(request: HistoriesRequest): Promise<HistoriesResult> {
  assert.ok(!hasExited, 'the worker failed in an earlier test');
  const response = once(worker, 'message');
  worker.postMessage(request);
  const [result] = (await response) as [HistoriesResult];
  return result;
}

for (let part = 1; part <= PART_COUNT; part++) {
  test(`no check accepts a credential that was revoked before the check began, and every deletion or edit returns (part ${part} of ${PART_COUNT})`, async () => {
    const { failed, report } = await runHistories({ fault: null, numRuns: HISTORY_COUNT / PART_COUNT });
    assert.ok(!failed, report ?? '');
  });
}

for (const fault of Object.keys(FAULTS)) {
  test(`a planted fault is found: ${fault}`, async (context) => {
    const { failed, numRuns } = await runHistories({ fault, numRuns: HISTORY_COUNT });
    assert.ok(failed, 'the simulation does not find the fault');
    context.diagnostic(`found after ${numRuns} histories`);
  });
}
