import { Problem } from '../contract/problem.ts';

interface TaskQueue {
  /** Runs `task` in order of arrival and returns its result. Throws `unavailable` immediately if the queue is full. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Number of tasks, running or waiting. */
  size(): number;
}

/** Runs one task at a time; at most `maxWaiting` others wait. */
function createTaskQueue(maxWaiting: number): TaskQueue {
  let isRunning = false;
  const waiters: (() => void)[] = [];
  return {
    async run(task) {
      if (isRunning) {
        if (waiters.length >= maxWaiting)
          throw new Problem('unavailable', 'Too many concurrent requests.', { retryAfter: 1 });
        await new Promise<void>((resolve) => waiters.push(resolve));
      }
      isRunning = true;
      try {
        return await task();
      } finally {
        // If a task is waiting, it replaces this one, so `isRunning` stays true.
        const startNext = waiters.shift();
        if (startNext === undefined) isRunning = false;
        else startNext();
      }
    },
    size: () => (isRunning ? 1 : 0) + waiters.length,
  };
}

/** Runs tasks with the same key one at a time. */
export interface KeyedMutex {
  /** Runs `task` and returns its result. Throws `unavailable` immediately if too many tasks for `key` are waiting. */
  run<T>(key: string, task: () => Promise<T>): Promise<T>;
}

/** `maxWaiting` is the maximum number of waiting tasks per key. */
export function createKeyedMutex(maxWaiting: number): KeyedMutex {
  const queues = new Map<string, TaskQueue>();
  return {
    async run(key, task) {
      const queue = queues.get(key) ?? createTaskQueue(maxWaiting);
      queues.set(key, queue);
      try {
        return await queue.run(task);
      } finally {
        if (queue.size() === 0) queues.delete(key);
      }
    },
  };
}
