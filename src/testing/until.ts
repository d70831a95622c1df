import { setTimeout as pause } from 'node:timers/promises';
import { scaledTimeout } from './timeouts.ts';

/** Pauses between checks are short at first and grow with the wait, so that a long wait uses little processor time. */
const MIN_PAUSE_MS = 10;
const MAX_PAUSE_MS = 50;
/** The length of the next pause as a fraction of the wait so far. */
const PAUSE_PER_WAIT = 1 / 20;

/** Resolves when `condition` returns true. Rejects after `timeoutMs`, which is scaled on a slow machine. */
export async function until(condition: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const start = performance.now();
  const end = start + scaledTimeout(timeoutMs);
  while (!(await condition())) {
    const now = performance.now();
    if (now > end) throw new Error('The condition was not met in time.');
    await pause(Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, (now - start) * PAUSE_PER_WAIT)));
  }
}
