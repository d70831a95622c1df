/** Places of a node that all workspaces share, such as running jobs, readers of logs or events that wait. */
export interface Shares {
  /** Takes places for a workspace and returns what gives them back; null where its share is used up. */
  take(workspaceId: string, count?: number): (() => void) | null;
  /** Workspaces that may take no more places at the moment. */
  full(): string[];
}

/**
 * Shares places so that no workspace keeps another from them: a workspace may hold at most as many as it leaves free
 * (a dynamic threshold, as switches share their buffers). One workspace alone has half of the places, two have a
 * third each, and a workspace that holds none gets one as long as any is free.
 */
export function createShares(places: number): Shares {
  const held = new Map<string, number>();
  let total = 0;
  const isOver = (workspaceId: string, count: number) => (held.get(workspaceId) ?? 0) + count > places - total;

  function add(workspaceId: string, count: number): void {
    const own = (held.get(workspaceId) ?? 0) + count;
    total += count;
    if (own === 0) held.delete(workspaceId);
    else held.set(workspaceId, own);
  }

  return {
    take(workspaceId, count = 1) {
      if (isOver(workspaceId, count)) return null;
      add(workspaceId, count);
      let isTaken = true;
      return () => {
        if (isTaken) add(workspaceId, -count);
        isTaken = false;
      };
    },
    full: () => [...held.keys()].filter((workspaceId) => isOver(workspaceId, 1)),
  };
}
