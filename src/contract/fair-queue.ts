import { createFairShareLimiter } from './fair-share-limiter.ts';
import { Problem } from './problem.ts';

/** A queue for tasks of several keys, such as workspaces or client networks, which share a limited capacity. */
export interface FairQueue {
  /**
   * Runs `task` when it is the key's turn and returns its result. Throws `unavailable` immediately if the key's share
   * of the capacity is used up.
   */
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
}

/**
 * Creates a queue that runs at most `maxRunning` tasks at the same time and serves keys in turn. Each key has a share
 * of `capacity`, the maximum number of running and waiting tasks.
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
  let runningCount = 0;

  function startNext(): void {
    const [firstEntry] = queues;
    if (firstEntry === undefined) {
      runningCount--;
      return;
    }
    const [key, queue] = firstEntry;
    const start = queue.shift();
    // Move the key to the end, so that other keys are served first.
    queues.delete(key);
    if (queue.length > 0) queues.set(key, queue);
    // The next task uses the same slot, so `runningCount` does not change.
    start?.();
  }

  return {
    async run(key, task) {
      const release = limiter.acquire(key);
      if (release === null)
        throw new Problem('unavailable', 'Too many concurrent requests. Try again later.', { retryAfter: 1 });
      try {
        if (runningCount < maxRunning) runningCount++;
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
