import { Problem } from '../contract/problem.ts';

/** Somebody who waits; told when it was in vain. */
export interface Waiter {
  readonly reject: (error: Error) => void;
}

/** Those who wait, oldest first: no more than so many, and nobody for longer than their patience. */
export interface WaitQueue<Item extends Waiter> {
  size(): number;
  /** Throws `unavailable` at once when too many wait. */
  enqueue(item: Item): void;
  /** Whoever waits longest, and waits no more from then on; undefined where nobody waits. */
  dequeue(): Item | undefined;
  /** Refuses all who wait. */
  rejectAll(error: Error): void;
}

export const storeUnavailable = (cause?: unknown): Problem =>
  new Problem('unavailable', 'The database cannot be reached.', { retryAfter: 1, cause });

/** A line for `most`, who wait for `patience` milliseconds each and are then refused with `unavailable`. */
export function createWaitQueue<Item extends Waiter>(maxWaiting: number, timeoutMs: number): WaitQueue<Item> {
  /** Each with the `performance.now()` until which it waits. */
  const queue = new Map<Item, number>();
  let timer: NodeJS.Timeout | null = null;

  /** One timer for the whole line: whoever came first runs out of patience first. */
  function startTimer(delay: number): void {
    timer = setTimeout(() => {
      timer = null;
      const now = performance.now();
      for (const [item, until] of queue) {
        if (until > now) return startTimer(until - now);
        queue.delete(item);
        item.reject(storeUnavailable());
      }
    }, delay);
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
      const all = [...queue.keys()];
      queue.clear();
      for (const { reject } of all) reject(error);
    },
  };
}
