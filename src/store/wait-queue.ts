import { Problem } from '../contract/problem.ts';

/** A queued caller. `reject` is called if the waiting time ends, and by `rejectAll`. */
export interface Waiter {
  readonly reject: (error: Error) => void;
}

/** A first-in, first-out queue with a maximum length and a maximum waiting time. */
export interface WaitQueue<Item extends Waiter> {
  size(): number;
  /** Throws `unavailable` immediately if the queue is full. */
  enqueue(item: Item): void;
  /** Removes and returns the oldest item, or undefined if the queue is empty. */
  dequeue(): Item | undefined;
  /** Rejects and removes all items. */
  rejectAll(error: Error): void;
}

export const storeUnavailable = (cause?: unknown): Problem =>
  new Problem('unavailable', 'The database cannot be reached.', { retryAfter: 1, cause });

/**
 * Creates a queue for `maxWaiting` items, each of which is rejected with `unavailable` after `timeoutMs` milliseconds.
 */
export function createWaitQueue<Item extends Waiter>(maxWaiting: number, timeoutMs: number): WaitQueue<Item> {
  /** Each item with the `performance.now()` at which it times out. */
  const queue = new Map<Item, number>();
  let timer: NodeJS.Timeout | null = null;

  /** One timer for the whole queue, because the oldest item times out first. */
  function startTimer(delayMs: number): void {
    timer = setTimeout(() => {
      timer = null;
      const now = performance.now();
      for (const [item, timesOutAt] of queue) {
        if (timesOutAt > now) return startTimer(timesOutAt - now);
        queue.delete(item);
        item.reject(storeUnavailable());
      }
    }, delayMs);
  }

  return {
    size: () => queue.size,
    enqueue(item) {
      if (queue.size >= maxWaiting) throw new Problem('unavailable', 'The database is too busy.', { retryAfter: 1 });
      queue.set(item, performance.now() + timeoutMs);
      if (timer === null) startTimer(timeoutMs);
    },
    dequeue() {
      const [item] = queue.keys();
      if (item !== undefined) queue.delete(item);
      return item;
    },
    rejectAll(error) {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      const items = [...queue.keys()];
      queue.clear();
      for (const { reject } of items) reject(error);
    },
  };
}
