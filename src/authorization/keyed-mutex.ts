import { Problem } from '../contract/problem.ts';

export interface TaskQueue {
  /** Runs `work` when its turn comes. Throws `unavailable` at once when the line is full. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Works running and waiting. */
  size(): number;
}

/** At most `running` works at a time and `waiting` more in line; who finds the line full is refused. */
export function createTaskQueue(maxRunning: number, maxWaiting: number): TaskQueue {
  let active = 0;
  const waiters: (() => void)[] = [];
  return {
    async run(task) {
      if (active >= maxRunning) {
        if (waiters.length >= maxWaiting)
          throw new Problem('unavailable', 'Too many concurrent requests.', { retryAfter: 1 });
        await new Promise<void>((resolve) => waiters.push(resolve));
      } else active++;
      try {
        return await task();
      } finally {
        // The place is handed on, so `active` stays as it is.
        const next = waiters.shift();
        if (next === undefined) active--;
        else next();
      }
    },
    size: () => active + waiters.length,
  };
}

/** A line for each key: works of one key run one after the other. */
export interface KeyedMutex {
  /** Throws `unavailable` at once when too many wait in the line of `key`. */
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
}

export function createKeyedMutex(maxWaiting: number): KeyedMutex {
  const queues = new Map<string, TaskQueue>();
  return {
    async run(key, task) {
      const queue = queues.get(key) ?? createTaskQueue(1, maxWaiting);
      queues.set(key, queue);
      try {
        return await queue.run(task);
      } finally {
        if (queue.size() === 0) queues.delete(key);
      }
    },
  };
}
