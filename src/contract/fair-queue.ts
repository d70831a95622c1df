import { Problem } from './problem.ts';
import { createShares } from './shares.ts';

/** Work of many parties, such as workspaces or networks of clients, that share a few places. */
export interface FairQueue {
  /** Runs `work` when it is the party's turn. Throws `unavailable` at once when its share of the places is used up. */
  run<T>(party: string, work: () => Promise<T>): Promise<T>;
}

/** Runs at most `running` at a time and takes from parties in turn; each has a share of the `places` to run or wait in. */
export function createFairQueue({ running, places }: { readonly running: number; readonly places: number }): FairQueue {
  const shares = createShares(places);
  const waiting = new Map<string, (() => void)[]>();
  let active = 0;

  function next(): void {
    const [turn] = waiting;
    if (turn === undefined) {
      active--;
      return;
    }
    const [party, line] = turn;
    const go = line.shift();
    // To the end, so that the others come first.
    waiting.delete(party);
    if (line.length > 0) waiting.set(party, line);
    // The place is handed on, so `active` stays as it is.
    go?.();
  }

  return {
    async run(party, work) {
      const leave = shares.take(party);
      if (leave === null) throw new Problem('unavailable', 'Too much work at once.', { retryAfter: 1 });
      try {
        if (active < running) active++;
        else {
          await new Promise<void>((resolve) => {
            const line = waiting.get(party);
            if (line === undefined) waiting.set(party, [resolve]);
            else line.push(resolve);
          });
        }
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
