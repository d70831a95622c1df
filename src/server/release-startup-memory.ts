import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Gives back what the start has left behind: modules, schemas and documents are built out of some 30 MB
 * that nobody looks at again, and the runtime would keep them until it is short of room. Once, for
 * about 50 ms, before anybody is told where the server is.
 */
export function releaseStartupMemory(): void {
  setFlagsFromString('--expose-gc');
  const collectGarbage: (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void =
    runInNewContext('gc');
  collectGarbage({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  setFlagsFromString('--no-expose-gc');
  // From here on garbage may grow to a quarter of what lives, not to several times that: what lives is mostly
  // outside the heap, so looking more often is cheap.
  setFlagsFromString('--heap-growing-percent=25');
}
