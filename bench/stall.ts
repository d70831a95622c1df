import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { ExpensiveRequest } from '../src/testing/largest-requests.ts';
import { startProbedServer } from '../src/testing/probed-server.ts';
import { pin, SERVER_CORE } from './lib/processes.ts';
import { atMost, type Finding } from './lib/report.ts';

/** Maximum time for which a request may block the event loop, in milliseconds. */
const BOUND_MS = 50;
const QUIET_MS = 10_000;
const MAX_ATTEMPTS = 4;
const BODY_BYTES = 1_000_000;

interface Measurement {
  readonly request: ExpensiveRequest;
  readonly gapMs: number;
  readonly blockedMs: number;
}

const describeWorst = (measurements: readonly Measurement[], quantity: 'gapMs' | 'blockedMs'): string =>
  [...measurements]
    .sort((a, b) => b[quantity] - a[quantity])
    .slice(0, 5)
    .map(
      (measurement) =>
        `${measurement[quantity].toFixed(0)} ms ${measurement.request.operation} (${measurement.request.description})`,
    )
    .join('; ');

/** Sends hostile requests and the largest requests, one at a time, while another thread polls `/healthz`. */
export async function stall(): Promise<Finding[]> {
  const server = await startProbedServer(BODY_BYTES);
  await pin(server.pid, SERVER_CORE);
  const shared = new SharedArrayBuffer(4);
  const longestGapUs = new Int32Array(shared);
  const pinger = new Worker(new URL('./lib/pinger.ts', import.meta.url), { workerData: { url: server.url, shared } });
  /** Returns the longest gap since the previous call. */
  const takeLongestGapMs = () => Atomics.exchange(longestGapUs, 0, 0) / 1000;
  try {
    await setTimeout(1_000);
    takeLongestGapMs();
    await setTimeout(QUIET_MS);
    const quietMs = takeLongestGapMs();
    const measurements: Measurement[] = [];
    await server.takeLongestBlockMs();
    for (const request of [...server.hostileRequests, ...server.largestRequests]) {
      const attempts: Measurement[] = [];
      // Other load on the machine can only lengthen a gap, so the shortest gap of a few attempts counts.
      while (attempts.length < MAX_ATTEMPTS && !attempts.some(({ gapMs }) => gapMs <= BOUND_MS)) {
        await request.send();
        attempts.push({ request, gapMs: takeLongestGapMs(), blockedMs: await server.takeLongestBlockMs() });
      }
      const gapMs = Math.min(...attempts.map((attempt) => attempt.gapMs));
      // Processor time is not affected by other load, so the longest block counts.
      measurements.push({ request, gapMs, blockedMs: Math.max(...attempts.map((attempt) => attempt.blockedMs)) });
    }
    const max = (quantity: 'gapMs' | 'blockedMs') =>
      Math.max(...measurements.map((measurement) => measurement[quantity]));
    return [
      {
        name: `longest interval between responses of /healthz during any of ${measurements.length} expensive requests`,
        value: max('gapMs'),
        unit: ' ms',
        bound: atMost(Math.ceil(BOUND_MS + quietMs)),
        measurements: `${quietMs.toFixed(0)} ms while nothing was sent; ${describeWorst(measurements, 'gapMs')}`,
      },
      {
        name: 'longest time for which one of these requests blocks the event loop, in processor time',
        value: max('blockedMs'),
        unit: ' ms',
        bound: atMost(BOUND_MS),
        measurements: describeWorst(measurements, 'blockedMs'),
      },
    ];
  } finally {
    await pinger.terminate();
    await server.stop();
  }
}
