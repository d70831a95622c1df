import { createFairShareLimiter } from './fair-share-limiter.ts';
import { Problem } from './problem.ts';

/** Work of many parties, such as workspaces or networks of clients, that share a few places. */
export interface FairQueue {
  /** Runs `work` when it is the party's turn. Throws `unavailable` at once when its share of the places is used up. */
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
}

/** Runs at most `running` at a time and takes from parties in turn; each has a share of the `places` to run or wait in. */
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
    // To the end, so that the others come first.
    queues.delete(key);
    if (queue.length > 0) queues.set(key, queue);
    // The place is handed on, so `active` stays as it is.
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
