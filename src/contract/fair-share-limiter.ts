/** A node's capacity shared by all workspaces, for example for running jobs, log readers or queued events. */
export interface FairShareLimiter {
  /** Acquires capacity for a key and returns a function that releases it; null if the key's share is used up. */
  acquire(key: string, count?: number): (() => void) | null;
  /** Returns the keys that cannot acquire more at the moment. */
  keysAtLimit(): string[];
}

/**
 * Creates a limiter under which no key can starve the others: a key may hold at most as much as it leaves free (a
 * dynamic threshold, as used by switches for shared buffers). A single key gets half of the capacity, two get a third
 * each, and a key that holds nothing gets one unit as long as any is free.
 */
export function createFairShareLimiter(capacity: number): FairShareLimiter {
  const heldByKey = new Map<string, number>();
  let total = 0;
  const isOver = (key: string, count: number) => (heldByKey.get(key) ?? 0) + count > capacity - total;

  function add(key: string, count: number): void {
    const newCount = (heldByKey.get(key) ?? 0) + count;
    total += count;
    if (newCount === 0) heldByKey.delete(key);
    else heldByKey.set(key, newCount);
  }

  return {
    acquire(key, count = 1) {
      if (isOver(key, count)) return null;
      add(key, count);
      let isHeld = true;
      return () => {
        if (isHeld) add(key, -count);
        isHeld = false;
      };
    },
    keysAtLimit: () => [...heldByKey.keys()].filter((key) => isOver(key, 1)),
  };
}
