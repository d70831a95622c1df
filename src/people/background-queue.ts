import { setTimeout as pause } from 'node:timers/promises';

/** Runs work that responses do not wait for, such as sending mail: one task at a time, from a bounded queue. */
export interface BackgroundQueue {
  /** Drops the work and reports an error if the queue is full. */
  run(work: () => Promise<void>): void;
  /** Resolves when all work has ended, or after `withinMs`; work that has not started by then is dropped. */
  stop(withinMs: number): Promise<void>;
}

/** `maxWaiting` is the capacity of the queue. */
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
