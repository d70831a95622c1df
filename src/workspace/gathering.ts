import { Problem } from '../contract/problem.ts';
import { createShares } from '../contract/shares.ts';

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** Gives its places in the line back. */
  readonly leave: () => void;
}

/**
 * Gathers what arrives while a write is on its way to the disk, and writes it in the next one. Workspaces take turns
 * and share the places in the line. An item resolves when it is written. Throws `unavailable` when more of the
 * workspace waits than may.
 */
export function createGathering<Item, Result>(options: {
  /** The size that one write takes, unless one item alone is larger. */
  readonly together: number;
  /** The size that may wait, over all workspaces. */
  readonly waiting: number;
  readonly sizeOf: (item: Item) => number;
  readonly workspaceOf: (item: Item) => string;
  /** Writes all of the items or none. */
  readonly write: (items: readonly Item[]) => Promise<ReadonlyMap<Item, Result>>;
}): (item: Item) => Promise<Result> {
  const { together, sizeOf, workspaceOf } = options;
  const shares = createShares(options.waiting);
  const lines = new Map<string, Waiting<Item, Result>[]>();
  let running = false;

  async function write(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    const results = await options.write(batch.map(({ item }) => item));
    for (const { item, resolve, reject } of batch) {
      const result = results.get(item);
      if (result === undefined) reject(new Problem('internal'));
      else resolve(result);
    }
  }

  function next(): Waiting<Item, Result>[] {
    const batch: Waiting<Item, Result>[] = [];
    let taken = 0;
    for (let turn = lines.entries().next().value; turn !== undefined; turn = lines.entries().next().value) {
      const [workspaceId, line] = turn;
      const [first] = line;
      if (first === undefined || (batch.length > 0 && taken + sizeOf(first.item) > together)) break;
      line.shift();
      // To the end, so that the others come first.
      lines.delete(workspaceId);
      if (line.length > 0) lines.set(workspaceId, line);
      first.leave();
      batch.push(first);
      taken += sizeOf(first.item);
    }
    return batch;
  }

  async function drain(): Promise<void> {
    running = true;
    while (lines.size > 0) {
      const batch = next();
      try {
        await write(batch);
      } catch {
        // One that can't be stored, of a workspace just deleted, takes no other down with it.
        for (const one of batch) await write([one]).catch(one.reject);
      }
    }
    running = false;
  }

  return (item) => {
    const workspaceId = workspaceOf(item);
    const leave = shares.take(workspaceId, sizeOf(item));
    if (leave === null) {
      return Promise.reject(new Problem('unavailable', 'More waits than can be stored.', { retryAfter: 1 }));
    }
    return new Promise((resolve, reject) => {
      const waiting = { item, resolve, reject, leave };
      const line = lines.get(workspaceId);
      if (line === undefined) lines.set(workspaceId, [waiting]);
      else line.push(waiting);
      if (!running) void drain();
    });
  };
}
