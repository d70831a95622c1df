import { Problem } from '../contract/problem.ts';

/** Somebody who waits; told when it was in vain. */
export interface Waiting {
  readonly refuse: (error: Error) => void;
}

/** Those who wait, oldest first: no more than so many, and nobody for longer than their patience. */
export interface Line<Item extends Waiting> {
  size(): number;
  /** Throws `unavailable` at once when too many wait. */
  enter(item: Item): void;
  /** Whoever waits longest, and waits no more from then on; undefined where nobody waits. */
  next(): Item | undefined;
  /** Refuses all who wait. */
  refuseAll(error: Error): void;
}

export const unreachable = (cause?: unknown): Problem =>
  new Problem('unavailable', 'The store can not be reached.', { retryAfter: 1, cause });

/** A line for `most`, who wait for `patience` milliseconds each and are then refused with `unavailable`. */
export function createLine<Item extends Waiting>(most: number, patience: number): Line<Item> {
  /** Each with the `performance.now()` until which it waits. */
  const line = new Map<Item, number>();
  let timer: NodeJS.Timeout | null = null;

  /** One timer for the whole line: whoever came first runs out of patience first. */
  function watch(delay: number): void {
    timer = setTimeout(() => {
      timer = null;
      const now = performance.now();
      for (const [item, until] of line) {
        if (until > now) return watch(until - now);
        line.delete(item);
        item.refuse(unreachable());
      }
    }, delay);
  }

  return {
    size: () => line.size,
    enter(item) {
      if (line.size >= most) throw new Problem('unavailable', 'The store is too busy.', { retryAfter: 1 });
      line.set(item, performance.now() + patience);
      if (timer === null) watch(patience);
    },
    next() {
      const [item] = line.keys();
      if (item !== undefined) line.delete(item);
      return item;
    },
    refuseAll(error) {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      const all = [...line.keys()];
      line.clear();
      for (const { refuse } of all) refuse(error);
    },
  };
}
