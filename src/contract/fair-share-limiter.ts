/** Shares the capacity of a node among keys, such as workspaces: for running jobs, log readers or queued events. */
export interface FairShareLimiter {
  /**
   * Acquires capacity for a key and returns a function that releases it. Returns null if the key's share is used up.
   */
  acquire(key: string, count?: number): (() => void) | null;
  /** Returns the keys that hold capacity and cannot acquire more at the moment. */
  keysAtLimit(): string[];
}

/**
 * Creates a limiter with which no key can starve the others: a key can hold at most as many units as it leaves free (a
 * dynamic threshold, as in the shared buffers of network switches). A single key gets half of the capacity, two keys
 * get a third each, and a key that holds nothing gets one unit as long as one is free.
 */
export function createFairShareLimiter(capacity: number): FairShareLimiter {
  const heldByKey = new Map<string, number>();
  let totalHeld = 0;
  const exceedsShare = (key: string, count: number) => (heldByKey.get(key) ?? 0) + count > capacity - totalHeld;

  function add(key: string, count: number): void {
    const newCount = (heldByKey.get(key) ?? 0) + count;
    totalHeld += count;
    if (newCount === 0) heldByKey.delete(key);
    else heldByKey.set(key, newCount);
  }

  return {
    acquire(key, count = 1) {
      if (exceedsShare(key, count)) return null;
      add(key, count);
      let isHeld = true;
      return () => {
        if (isHeld) add(key, -count);
        isHeld = false;
      };
    },
    keysAtLimit: () => [...heldByKey.keys()].filter((key) => exceedsShare(key, 1)),
  };
}
