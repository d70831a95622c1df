import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

/** Milliseconds that one round takes on each of two otherwise idle cores of the machine the suite was written on. */
const REFERENCE_MS = 220;
/** Beyond this the machine is taken for broken rather than slow. */
const MAX_SLOWNESS = 8;

/** A fixed amount of the kind of work the suite does: hashing, parsing, sorting. Returns the milliseconds it took. */
function measureRound(): number {
  const started = performance.now();
  const bytes = Buffer.alloc(65_536, 'devpilot');
  for (let round = 0; round < 800; round++) createHash('sha256').update(bytes).digest();
  const rows = Array.from({ length: 20_000 }, (_, index) => ({ id: (index * 7919) % 20_011, name: `row ${index}` }));
  for (let round = 0; round < 6; round++) {
    (JSON.parse(JSON.stringify(rows)) as typeof rows).sort((a, b) => a.id - b.id);
  }
  return performance.now() - started;
}

/**
 * How many times slower than the usual machine this one is with all its cores in use: at least 1, at most 8.
 * `scripts/test.ts` measures it once; the time-outs of tests grow with it (`src/testing/timeouts.ts`).
 */
export async function measureSlowness(): Promise<number> {
  const times = await Promise.all(
    Array.from({ length: availableParallelism() }, () => {
      const worker = new Worker(new URL(import.meta.url));
      return new Promise<number>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    }),
  );
  return Math.min(MAX_SLOWNESS, Math.max(1, Math.max(...times) / REFERENCE_MS));
}

if (!isMainThread) {
  measureRound();
  parentPort?.postMessage(Math.min(measureRound(), measureRound()));
}
