import { Problem } from '../contract/problem.ts';
import { createShares } from './shares.ts';

/** Work of many workspaces that runs one at a time. */
export interface FairQueue {
  /** Runs `work` when it is the workspace's turn. Throws `unavailable` at once when its share of the line is used up. */
  run<T>(workspaceId: string, work: () => Promise<T>): Promise<T>;
}

/** Takes from workspaces in turn; each has a share of the `waiting` places. */
export function createFairQueue(waiting: number): FairQueue {
  const shares = createShares(waiting);
  const lines = new Map<string, (() => void)[]>();
  let running = false;

  function next(): void {
    const [turn] = lines;
    if (turn === undefined) {
      running = false;
      return;
    }
    const [workspaceId, line] = turn;
    const go = line.shift();
    // To the end, so that the others come first.
    lines.delete(workspaceId);
    if (line.length > 0) lines.set(workspaceId, line);
    go?.();
  }

  return {
    async run(workspaceId, work) {
      const leave = shares.take(workspaceId);
      if (leave === null) {
        throw new Problem('unavailable', 'Too much of this workspace waits. Try again in a moment.', { retryAfter: 1 });
      }
      try {
        if (running) {
          await new Promise<void>((resolve) => {
            const line = lines.get(workspaceId);
            if (line === undefined) lines.set(workspaceId, [resolve]);
            else line.push(resolve);
          });
        }
        running = true;
        try {
          return await work();
        } finally {
          next();
        }
      } finally {
        leave();
      }
    },
  };
}
