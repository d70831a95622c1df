import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Releases memory that only the startup needed. Loading modules and building schemas and documents leaves about 30 MB
 * of garbage, which the runtime would not collect soon. Runs once, for about 50 ms, before the URL is printed.
 */
export function releaseStartupMemory(): void {
  setFlagsFromString('--expose-gc');
  const collectGarbage: (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void =
    runInNewContext('gc');
  collectGarbage({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  setFlagsFromString('--no-expose-gc');
  // Limits garbage to a quarter of the live heap instead of several times its size. Most live data is outside the
  // heap, so frequent collections are cheap.
  setFlagsFromString('--heap-growing-percent=25');
}
