import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import type { CredentialRecord } from '../src/authorization/record.ts';
import { createRecordCache } from '../src/authorization/record-cache.ts';
import { createUsageRecorder } from '../src/authorization/usage-recorder.ts';
import { createUsageJournal } from '../src/credentials/usage-journal.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import { createRecord } from './lib/authenticator.ts';
import { atMost, type Finding, formatList, medianRatio } from './lib/report.ts';
import { RUN_DIRECTORY, seededDirectory } from './lib/seed.ts';

const CREDENTIALS_USED = 100_000;
const ROUNDS = 3;

function readRecords(path: string): CredentialRecord[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database
    .prepare('select id, workspace_id from credential order by digest limit ?')
    .all(CREDENTIALS_USED);
  database.close();
  return rows.map((row) => createRecord(String(row['id']), String(row['workspace_id'])));
}

/** Returns the longest event loop delay during `work`, in milliseconds. */
async function measureLongestDelayMs(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6;
}

/**
 * Compares the longest event loop delay while the uses of 100,000 credentials are written with the longest delay of an
 * idle event loop.
 */
export async function flush(): Promise<Finding[]> {
  const { directory } = await seededDirectory(CREDENTIALS_USED);
  const path = join(RUN_DIRECTORY, 'flush.db');
  cpSync(join(directory, 'devpilot.db'), path);
  const records = readRecords(path);
  const store = await openSqliteStore(path);
  const usageRecorder = createUsageRecorder(
    await createUsageJournal(store),
    'nod_01',
    createRecordCache(1).counterSlots,
  );
  const delaysMs: number[] = [];
  /** Longest delays in as much time without a write: only other load on the machine causes these. */
  const idleDelaysMs: number[] = [];
  const durationsMs: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      for (const record of records) usageRecorder.count(record, '127.0.0.1', Date.now());
      const startMs = performance.now();
      const delayMs = await measureLongestDelayMs(usageRecorder.flush);
      const durationMs = performance.now() - startMs;
      const idleDelayMs = await measureLongestDelayMs(() => setTimeout(durationMs));
      if (round === 0) continue;
      durationsMs.push(durationMs);
      delaysMs.push(delayMs);
      idleDelaysMs.push(idleDelayMs);
    }
  } finally {
    await store.close();
  }
  const writtenPerSecond = durationsMs.map((durationMs) => (CREDENTIALS_USED / durationMs) * 1000);
  return [
    {
      name: 'longest delay of the event loop while the uses of 100,000 credentials are written, relative to no write',
      value: medianRatio(delaysMs, idleDelaysMs),
      unit: '×',
      bound: atMost(4),
      measurements: `${formatList(delaysMs)} ms, ${formatList(idleDelaysMs)} ms in the same time without a write; ${formatList(writtenPerSecond)} credentials written per second`,
    },
  ];
}
