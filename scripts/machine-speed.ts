import { createHash } from 'node:crypto';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

/** Duration of a round on the reference machine while each of its two cores runs a round. */
const REFERENCE_MS = 220;
/** Maximum factor by which timeouts are extended. A machine that is even slower is assumed to be faulty. */
const MAX_SLOWNESS = 8;

/**
 * Does a fixed amount of work similar to the tests: hashing, parsing, sorting. Returns its duration in milliseconds.
 */
function measureRound(): number {
  const startMs = performance.now();
  const bytes = Buffer.alloc(65_536, 'devpilot');
  for (let round = 0; round < 800; round++) createHash('sha256').update(bytes).digest();
  const rows = Array.from({ length: 20_000 }, (_, index) => ({ id: (index * 7919) % 20_011, name: `row ${index}` }));
  for (let round = 0; round < 6; round++) {
    (JSON.parse(JSON.stringify(rows)) as typeof rows).sort((a, b) => a.id - b.id);
  }
  return performance.now() - startMs;
}

/**
 * Returns how many times slower this machine is with `concurrency` threads than the reference machine with all its
 * cores in use: at least 1, at most 8. `scripts/test.ts` measures it once; the timeouts of tests scale with it
 * (`src/testing/timeouts.ts`).
 */
export async function measureSlowness(concurrency: number): Promise<number> {
  const roundsMs = await Promise.all(
    Array.from({ length: concurrency }, () => {
      const worker = new Worker(new URL(import.meta.url));
      return new Promise<number>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    }),
  );
  return Math.min(MAX_SLOWNESS, Math.max(1, Math.max(...roundsMs) / REFERENCE_MS));
}

if (!isMainThread) {
  // The first round is a warm-up.
  measureRound();
  parentPort?.postMessage(Math.min(measureRound(), measureRound()));
}
