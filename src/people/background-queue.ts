import { setTimeout as pause } from 'node:timers/promises';

/** Work that responses do not wait for, such as mail: one after the other, bounded, finished at a clean stop where that is soon. */
export interface BackgroundQueue {
  /** Drops the work where too much of it waits. */
  run(work: () => Promise<void>): void;
  /** Resolves when all work has ended, or after `withinMs`: what has not begun by then is dropped. */
  stop(withinMs: number): Promise<void>;
}

/** `max` is how many pieces of work may wait. */
export function createBackgroundQueue(maxWaiting: number, onError: (error: unknown) => void): BackgroundQueue {
  let waiting = 0;
  let stopped = false;
  let last = Promise.resolve();
  return {
    run(task) {
      if (waiting >= maxWaiting) return onError(new Error('The queue is full; some work was dropped.'));
      waiting++;
      last = last
        .then(() => (stopped ? Promise.reject(new Error('The server stopped before this work started.')) : task()))
        .catch(onError)
        .then(() => {
          waiting--;
        });
    },
    async stop(withinMs) {
      const deadline = new AbortController();
      await Promise.race([last, pause(withinMs, undefined, { signal: deadline.signal }).catch(() => undefined)]);
      deadline.abort();
      stopped = true;
    },
  };
}
