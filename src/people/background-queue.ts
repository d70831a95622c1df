import { setTimeout as pause } from 'node:timers/promises';

/** Runs work that responses do not wait for, such as sending mail, one task at a time. */
export interface BackgroundQueue {
  /** Adds a task to the queue. If the queue is full, drops the task and reports an error. */
  run(task: () => Promise<void>): void;
  /** Resolves when all tasks have ended, or after `timeoutMs`. Tasks that have not started by then are dropped. */
  stop(timeoutMs: number): Promise<void>;
}

/** `maxTasks` is the maximum number of tasks, including the running task. */
export function createBackgroundQueue(maxTasks: number, onError: (error: unknown) => void): BackgroundQueue {
  let taskCount = 0;
  let stopped = false;
  let lastTask = Promise.resolve();
  return {
    run(task) {
      if (taskCount >= maxTasks) return onError(new Error('The queue is full, so a background task was dropped.'));
      taskCount++;
      lastTask = lastTask
        .then(() => (stopped ? Promise.reject(new Error('The server stopped before this task started.')) : task()))
        .catch(onError)
        .then(() => {
          taskCount--;
        });
    },
    async stop(timeoutMs) {
      const deadline = new AbortController();
      await Promise.race([lastTask, pause(timeoutMs, undefined, { signal: deadline.signal }).catch(() => undefined)]);
      deadline.abort();
      stopped = true;
    },
  };
}
