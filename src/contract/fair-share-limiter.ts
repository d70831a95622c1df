/** Places of a node that all workspaces share, such as running jobs, readers of logs or events that wait. */
export interface FairShareLimiter {
  /** Takes places for a workspace and returns what gives them back; null where its share is used up. */
  acquire(key: string, count?: number): (() => void) | null;
  /** Workspaces that may take no more places at the moment. */
  keysAtLimit(): string[];
}

/**
 * Shares places so that no workspace keeps another from them: a workspace may hold at most as many as it leaves free
 * (a dynamic threshold, as switches share their buffers). One workspace alone has half of the places, two have a
 * third each, and a workspace that holds none gets one as long as any is free.
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
