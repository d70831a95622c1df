import { Problem } from '../contract/problem.ts';

export interface TaskQueue {
  /** Runs `task` in order of arrival and returns its result. Throws `unavailable` immediately if the queue is full. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Number of running and waiting tasks. */
  size(): number;
}

/** Runs at most `maxRunning` tasks at a time, with at most `maxWaiting` more in the queue. */
export function createTaskQueue(maxRunning: number, maxWaiting: number): TaskQueue {
  let runningCount = 0;
  const waiters: (() => void)[] = [];
  return {
    async run(task) {
      if (runningCount >= maxRunning) {
        if (waiters.length >= maxWaiting)
          throw new Problem('unavailable', 'Too many concurrent requests.', { retryAfter: 1 });
        await new Promise<void>((resolve) => waiters.push(resolve));
      } else runningCount++;
      try {
        return await task();
      } finally {
        // If a task is waiting, it replaces this one, so `runningCount` does not change.
        const startNext = waiters.shift();
        if (startNext === undefined) runningCount--;
        else startNext();
      }
    },
    size: () => runningCount + waiters.length,
  };
}

/** Runs tasks with the same key one at a time. */
export interface KeyedMutex {
  /** Runs `task` and returns its result. Throws `unavailable` immediately if too many tasks for `key` are waiting. */
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
