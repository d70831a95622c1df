import { spawnSync } from 'node:child_process';
import { ensureWrk, load } from './lib/load.ts';
import { memoryOf, startServerProcess } from './lib/processes.ts';
import { atMost, type Finding, list, median, medianRatio } from './lib/report.ts';
import { runFolder, seededDirectory } from './lib/seed.ts';

const MANY = 1_000_000;
const STARTS = 5;

async function settledMemory(pid: number): Promise<number> {
  // Waits 1.5 s for work that the startup has deferred to the event loop.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return memoryOf(pid).now;
}

/** Returns the milliseconds from the start to the exit of an empty script: the cost of a process on this machine. */
function timeOfEmptyScript(): number {
  const startMs = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - startMs;
}

/** Starts the server as an operator does. Returns the times until it listens, and its resident memory when idle. */
async function measureStarts(directory: string): Promise<{ times: number[]; bare: number[]; idleMemory: number[] }> {
  const bare: number[] = [];
  const times: number[] = [];
  const idleMemory: number[] = [];
  for (let start = 0; start <= STARTS; start++) {
    const served = await startServerProcess('bin/devpilot.mjs', { args: ['serve'], directory });
    const memory = await settledMemory(served.pid);
    await served.stop();
    // The first start fills caches, including those of the operating system.
    if (start === 0) continue;
    times.push(served.startupMs);
    bare.push(timeOfEmptyScript());
    idleMemory.push(memory);
  }
  return { times, bare, idleMemory };
}

/** Measures startup time and idle memory with a thousand and with a million stored credentials. */
export async function start(): Promise<Finding[]> {
  const few = await measureStarts((await seededDirectory(1_000)).directory);
  const many = await measureStarts((await seededDirectory(MANY)).directory);
  return [
    {
      name: 'from the start to listening, 1,000 stored credentials, relative to an empty script',
      value: medianRatio(few.times, few.bare),
      unit: '×',
      bound: atMost(25),
      measurements: `${list(few.times)} ms; an empty script: ${list(few.bare)} ms`,
    },
    {
      name: 'from the start to listening, 1,000,000 stored credentials relative to 1,000',
      value: median(many.times) / median(few.times),
      unit: '×',
      bound: atMost(1.3),
      measurements: `${list(many.times)} ms over ${list(few.times)} ms`,
    },
    {
      name: 'resident at idle start',
      value: median(few.idleMemory),
      unit: ' MB',
      bound: atMost(140),
      measurements: `${list(few.idleMemory)} MB; with 1,000,000 stored ${list(many.idleMemory)} MB`,
    },
  ];
}

/** Measures resident memory after a million credentials have been used, one after another. */
export async function memory(): Promise<Finding[]> {
  await ensureWrk();
  const { directory, secrets } = await seededDirectory(MANY);
  const metricsPort = 41_000 + (process.pid % 10_000);
  const served = await startServerProcess('bin/devpilot.mjs', {
    args: ['serve'],
    directory,
    environment: { DEVPILOT_METRICS: `127.0.0.1:${metricsPort}` },
  });
  try {
    let cachedRecords = 0;
    let first = 0;
    const startMs = performance.now();
    while (cachedRecords < MANY) {
      // Each load continues where the previous one ended.
      const { requests } = await load(runFolder(), secrets, `${served.url}/v1/authorize`, {
        seconds: 15,
        secretCount: MANY,
        order: 'sequential',
        first,
      });
      first += requests;
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      cachedRecords = Number(/^devpilot_records_in_memory (\d+)$/m.exec(text)?.[1] ?? 0);
      if (performance.now() - startMs > 240_000) throw new Error(`Only ${cachedRecords} records were cached in time.`);
    }
    await settledMemory(served.pid);
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const megabytes = (name: string) =>
      Math.round(Number(new RegExp(`^${name} (\\d+)`, 'm').exec(metrics)?.[1] ?? 0) / 1e6);
    const heap = `heap ${megabytes('nodejs_heap_size_total_bytes')} MB, of which used ${megabytes('nodejs_heap_size_used_bytes')} MB; outside it ${megabytes('nodejs_external_memory_bytes')} MB`;
    const { now, most } = memoryOf(served.pid);
    return [
      {
        name: 'resident with 1,000,000 records cached',
        value: now,
        unit: ' MB',
        bound: atMost(450),
        measurements: `${list([now])} MB now, ${list([most])} MB at most, while uses were being written; ${heap}`,
      },
    ];
  } finally {
    await served.stop();
  }
}
