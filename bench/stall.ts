import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type Sendable, startStallServer } from '../src/testing/stall-server.ts';
import { pin, SERVER_CORE } from './lib/processes.ts';
import { atMost, type Finding } from './lib/report.ts';

/** Maximum time for which a request may block the event loop, in milliseconds (contract, section 6). */
const BOUND_MS = 50;
const QUIET_MS = 10_000;
const MAX_ATTEMPTS = 4;
const BODY_BYTES = 1_000_000;

interface Measurement {
  readonly request: Sendable;
  readonly silenceMs: number;
  readonly holdMs: number;
}

const worstOf = (all: readonly Measurement[], by: 'silenceMs' | 'holdMs'): string =>
  [...all]
    .sort((one, other) => other[by] - one[by])
    .slice(0, 5)
    .map((measured) => `${measured[by].toFixed(0)} ms ${measured.request.operation} (${measured.request.what})`)
    .join('; ');

/** Sends the hostile requests one by one while another thread polls `/healthz`. */
export async function stall(): Promise<Finding[]> {
  const server = await startStallServer(BODY_BYTES);
  await pin(server.pid, SERVER_CORE);
  const shared = new SharedArrayBuffer(4);
  const silence = new Int32Array(shared);
  const pinger = new Worker(new URL('./lib/pinger.ts', import.meta.url), { workerData: { url: server.url, shared } });
  const takeSilenceMs = () => Atomics.exchange(silence, 0, 0) / 1000;
  try {
    await setTimeout(1_000);
    takeSilenceMs();
    await setTimeout(QUIET_MS);
    const quietMs = takeSilenceMs();
    const all: Measurement[] = [];
    await server.longestHoldMs();
    for (const request of [...server.corpus, ...server.heaviest]) {
      const attempts: Measurement[] = [];
      // Other load on the machine can only lengthen a silence, so the shortest silence of a few attempts counts.
      while (attempts.length < MAX_ATTEMPTS && !attempts.some(({ silenceMs }) => silenceMs <= BOUND_MS)) {
        await request.send();
        attempts.push({ request, silenceMs: takeSilenceMs(), holdMs: await server.longestHoldMs() });
      }
      const silenceMs = Math.min(...attempts.map((attempt) => attempt.silenceMs));
      all.push({ request, silenceMs, holdMs: Math.max(...attempts.map((attempt) => attempt.holdMs)) });
    }
    const max = (by: 'silenceMs' | 'holdMs') => Math.max(...all.map((measured) => measured[by]));
    return [
      {
        name: `longest silence of /healthz during any of ${all.length} hostile requests`,
        value: max('silenceMs'),
        unit: ' ms',
        bound: atMost(Math.ceil(BOUND_MS + quietMs)),
        measurements: `${quietMs.toFixed(0)} ms while nothing was sent; ${worstOf(all, 'silenceMs')}`,
      },
      {
        name: 'longest time for which one of these requests blocks the event loop, in processor time',
        value: max('holdMs'),
        unit: ' ms',
        bound: atMost(BOUND_MS),
        measurements: worstOf(all, 'holdMs'),
      },
    ];
  } finally {
    await pinger.terminate();
    await server.stop();
  }
}
