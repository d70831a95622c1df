import { setTimeout as pause } from 'node:timers/promises';

/** Resolves when `condition` holds; rejects if it does not within `patience` milliseconds. */
export async function until(condition: () => Promise<boolean>, patience = 60_000): Promise<void> {
  const end = performance.now() + patience;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('What was waited for did not come.');
    await pause(10);
  }
}
