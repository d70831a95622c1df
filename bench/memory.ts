import { spawnSync } from 'node:child_process';
import { ensureWrk, load } from './lib/load.ts';
import { readMemoryMib, startServerProcess } from './lib/processes.ts';
import { atMost, type Finding, formatList, median, medianRatio } from './lib/report.ts';
import { seededDirectory } from './lib/seed.ts';

const MANY_CREDENTIALS = 1_000_000;
const STARTS = 5;

/** Returns the resident memory 1.5 s later, when work that was deferred to the event loop has ended. */
async function measureSettledMemoryMib(pid: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return readMemoryMib(pid).currentMib;
}

/** Returns the milliseconds from the start of an empty script to its exit: the minimum for any process here. */
function timeEmptyScript(): number {
  const startMs = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - startMs;
}

/** Starts the server several times as an operator does, and an empty script after each start. */
async function measureStarts(
  directory: string,
): Promise<{ startTimesMs: number[]; emptyScriptTimesMs: number[]; idleMemoryMib: number[] }> {
  const startTimesMs: number[] = [];
  const emptyScriptTimesMs: number[] = [];
  const idleMemoryMib: number[] = [];
  for (let start = 0; start <= STARTS; start++) {
    const server = await startServerProcess('bin/devpilot.mjs', { args: ['serve'], directory });
    const memoryMib = await measureSettledMemoryMib(server.pid);
    await server.stop();
    // The first start fills caches, including those of the operating system.
    if (start === 0) continue;
    startTimesMs.push(server.startupMs);
    emptyScriptTimesMs.push(timeEmptyScript());
    idleMemoryMib.push(memoryMib);
  }
  return { startTimesMs, emptyScriptTimesMs, idleMemoryMib };
}

/** Measures startup time and idle memory with a thousand and with a million stored credentials. */
export async function start(): Promise<Finding[]> {
  const few = await measureStarts((await seededDirectory(1_000)).directory);
  const many = await measureStarts((await seededDirectory(MANY_CREDENTIALS)).directory);
  return [
    {
      name: 'time to listening with 1,000 stored credentials, relative to an empty script',
      value: medianRatio(few.startTimesMs, few.emptyScriptTimesMs),
      unit: '×',
      bound: atMost(25),
      measurements: `${formatList(few.startTimesMs)} ms; an empty script: ${formatList(few.emptyScriptTimesMs)} ms`,
    },
    {
      name: 'time to listening with 1,000,000 stored credentials, relative to 1,000',
      value: median(many.startTimesMs) / median(few.startTimesMs),
      unit: '×',
      bound: atMost(1.3),
      measurements: `${formatList(many.startTimesMs)} ms over ${formatList(few.startTimesMs)} ms`,
    },
    {
      name: 'resident memory when idle after the start',
      value: median(few.idleMemoryMib),
      unit: ' MiB',
      bound: atMost(140),
      measurements: `${formatList(few.idleMemoryMib)} MiB; with 1,000,000 stored ${formatList(many.idleMemoryMib)} MiB`,
    },
  ];
}

/** Measures resident memory after each of a million credentials has been used. */
export async function memory(): Promise<Finding[]> {
  await ensureWrk();
  const { directory, secretsFile } = await seededDirectory(MANY_CREDENTIALS);
  const metricsPort = 41_000 + (process.pid % 10_000);
  const server = await startServerProcess('bin/devpilot.mjs', {
    args: ['serve'],
    directory,
    environment: { DEVPILOT_METRICS: `127.0.0.1:${metricsPort}` },
  });
  async function readMetric(name: string): Promise<number> {
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const value = new RegExp(`^${name} (\\d+)`, 'm').exec(metrics)?.[1];
    if (value === undefined) throw new Error(`The metrics do not contain ${name}.`);
    return Number(value);
  }
  try {
    let cachedRecords = 0;
    let firstSecretIndex = 0;
    const startMs = performance.now();
    while (cachedRecords < MANY_CREDENTIALS) {
      // Each load continues where the previous one ended.
      const { requests } = await load(secretsFile, `${server.url}/v1/authorize`, {
        seconds: 15,
        secretCount: MANY_CREDENTIALS,
        order: 'sequential',
        firstSecretIndex,
      });
      firstSecretIndex += requests;
      cachedRecords = await readMetric('devpilot_records_in_memory');
      if (performance.now() - startMs > 240_000) throw new Error(`Only ${cachedRecords} records were cached in time.`);
    }
    const residentMib = await measureSettledMemoryMib(server.pid);
    const { peakMib } = readMemoryMib(server.pid);
    const heapMib = (await readMetric('nodejs_heap_size_total_bytes')) / 2 ** 20;
    const usedHeapMib = (await readMetric('nodejs_heap_size_used_bytes')) / 2 ** 20;
    const externalMib = (await readMetric('nodejs_external_memory_bytes')) / 2 ** 20;
    return [
      {
        name: 'resident memory with 1,000,000 cached records',
        value: residentMib,
        unit: ' MiB',
        bound: atMost(450),
        measurements: `peak ${formatList([peakMib])} MiB; heap ${formatList([heapMib])} MiB, of which ${formatList([usedHeapMib])} MiB are used; ${formatList([externalMib])} MiB outside the heap`,
      },
    ];
  } finally {
    await server.stop();
  }
}
