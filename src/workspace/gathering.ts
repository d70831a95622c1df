import { Problem } from '../contract/problem.ts';

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers what arrives while a write is on its way to the disk, and writes it all in the next one. An
 * item resolves when it is written. Throws `unavailable` when more waits than may.
 */
export function createGathering<Item, Result>(options: {
  /** The size that one write takes, unless one item alone is larger. */
  readonly together: number;
  /** The size that may wait. */
  readonly waiting: number;
  readonly sizeOf: (item: Item) => number;
  /** Writes all of the items or none. */
  readonly write: (items: readonly Item[]) => Promise<ReadonlyMap<Item, Result>>;
}): (item: Item) => Promise<Result> {
  const { together, sizeOf } = options;
  const line: Waiting<Item, Result>[] = [];
  let size = 0;
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
    for (let first = line[0]; first !== undefined; first = line[0]) {
      if (batch.length > 0 && taken + sizeOf(first.item) > together) break;
      line.shift();
      batch.push(first);
      taken += sizeOf(first.item);
    }
    size -= taken;
    return batch;
  }

  async function drain(): Promise<void> {
    running = true;
    while (line.length > 0) {
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
    if (size + sizeOf(item) > options.waiting) {
      return Promise.reject(new Problem('unavailable', 'More waits than can be stored.', { retryAfter: 1 }));
    }
    return new Promise((resolve, reject) => {
      line.push({ item, resolve, reject });
      size += sizeOf(item);
      if (!running) void drain();
    });
  };
}
