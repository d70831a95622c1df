import { createFairShareLimiter } from './fair-share-limiter.ts';
import { Problem } from './problem.ts';

/** A queue for tasks of many keys, such as workspaces or client networks, that share a limited capacity. */
export interface FairQueue {
  /**
   * Runs `task` when it is the key's turn and returns its result. Throws `unavailable` immediately if the key's share
   * of the capacity is used up.
   */
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
}

/**
 * Creates a queue that runs at most `maxRunning` tasks at a time and serves keys in turn; each key has a share of the
 * `capacity` for running and waiting tasks.
 */
export function createFairQueue({
  maxRunning,
  capacity,
}: {
  readonly maxRunning: number;
  readonly capacity: number;
}): FairQueue {
  const limiter = createFairShareLimiter(capacity);
  const queues = new Map<string, (() => void)[]>();
  let active = 0;

  function startNext(): void {
    const [nextEntry] = queues;
    if (nextEntry === undefined) {
      active--;
      return;
    }
    const [key, queue] = nextEntry;
    const start = queue.shift();
    // Moves the key to the end, so that the others are served first.
    queues.delete(key);
    if (queue.length > 0) queues.set(key, queue);
    // The next task uses the same slot, so `active` does not change.
    start?.();
  }

  return {
    async run(key, task) {
      const release = limiter.acquire(key);
      if (release === null) throw new Problem('unavailable', 'Too many concurrent requests.', { retryAfter: 1 });
      try {
        if (active < maxRunning) active++;
        else {
          await new Promise<void>((resolve) => {
            const queue = queues.get(key);
            if (queue === undefined) queues.set(key, [resolve]);
            else queue.push(resolve);
          });
        }
        try {
          return await task();
        } finally {
          startNext();
        }
      } finally {
        release();
      }
    },
  };
}
