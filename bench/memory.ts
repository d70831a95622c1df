import { spawnSync } from 'node:child_process';
import { ensureWrk, load } from './lib/load.ts';
import { readMemoryMib, startServerProcess } from './lib/processes.ts';
import { atMost, type Finding, formatList, median, medianRatio } from './lib/report.ts';
import { runFolder, seededDirectory } from './lib/seed.ts';

const MANY_CREDENTIALS = 1_000_000;
const STARTS = 5;

async function measureSettledMemoryMib(pid: number): Promise<number> {
  // Waits 1.5 s for work that the startup has deferred to the event loop.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return readMemoryMib(pid).currentMib;
}

/** Returns the milliseconds from the start of an empty script to its exit: the minimum for any process here. */
function timeEmptyScript(): number {
  const startMs = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - startMs;
}

/** Starts the server as an operator does. Returns the times until it listens, and its resident memory when idle. */
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
      unit: ' MB',
      bound: atMost(140),
      measurements: `${formatList(few.idleMemoryMib)} MB; with 1,000,000 stored ${formatList(many.idleMemoryMib)} MB`,
    },
  ];
}

/** Measures resident memory after each of a million credentials has been used. */
export async function memory(): Promise<Finding[]> {
  await ensureWrk();
  const { directory, secretsFile: secrets } = await seededDirectory(MANY_CREDENTIALS);
  const metricsPort = 41_000 + (process.pid % 10_000);
  const server = await startServerProcess('bin/devpilot.mjs', {
    args: ['serve'],
    directory,
    environment: { DEVPILOT_METRICS: `127.0.0.1:${metricsPort}` },
  });
  try {
    let cachedRecords = 0;
    let firstSecretIndex = 0;
    const startMs = performance.now();
    while (cachedRecords < MANY_CREDENTIALS) {
      // Each load continues where the previous one ended.
      const { requests } = await load(runFolder(), secrets, `${server.url}/v1/authorize`, {
        seconds: 15,
        secretCount: MANY_CREDENTIALS,
        order: 'sequential',
        firstSecretIndex,
      });
      firstSecretIndex += requests;
      const metricsText = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      cachedRecords = Number(/^devpilot_records_in_memory (\d+)$/m.exec(metricsText)?.[1] ?? 0);
      if (performance.now() - startMs > 240_000) throw new Error(`Only ${cachedRecords} records were cached in time.`);
    }
    await measureSettledMemoryMib(server.pid);
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const megabytes = (name: string) =>
      Math.round(Number(new RegExp(`^${name} (\\d+)`, 'm').exec(metrics)?.[1] ?? 0) / 1e6);
    const heap = `heap ${megabytes('nodejs_heap_size_total_bytes')} MB, of which ${megabytes('nodejs_heap_size_used_bytes')} MB are used; ${megabytes('nodejs_external_memory_bytes')} MB outside the heap`;
    const { currentMib, peakMib } = readMemoryMib(server.pid);
    return [
      {
        name: 'resident memory with 1,000,000 cached records',
        value: currentMib,
        unit: ' MB',
        bound: atMost(450),
        measurements: `${formatList([currentMib])} MB now, at most ${formatList([peakMib])} MB while uses were being written; ${heap}`,
      },
    ];
  } finally {
    await server.stop();
  }
}
