import { setTimeout as pause } from 'node:timers/promises';
import { scaledTimeout } from './timeouts.ts';

/** Resolves when `condition` holds; rejects if it does not within `timeoutMs`, longer on a slow machine. */
export async function until(condition: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + scaledTimeout(timeoutMs);
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('The condition was not met in time.');
    await pause(10);
  }
}
