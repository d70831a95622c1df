import { createFairShareLimiter } from '../contract/fair-share-limiter.ts';
import { Problem } from '../contract/problem.ts';

interface QueuedItem<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** Frees the item's part of the queue. */
  readonly release: () => void;
}

/**
 * Returns a function that enqueues an item and resolves when the item is written. Items that arrive during a write are
 * written together in the next write. Workspaces take turns and share the queue. The function rejects with
 * `unavailable` if the queued items of a workspace exceed its share.
 */
export function createWriteBatcher<Item, Result>(options: {
  /** Maximum size of one write, unless one item alone is larger. */
  readonly maxBatchSize: number;
  /** Maximum size of the queue, for all workspaces together. */
  readonly maxQueuedSize: number;
  readonly sizeOf: (item: Item) => number;
  readonly workspaceOf: (item: Item) => string;
  /** Writes all items or none. Returns the result of each item. */
  readonly write: (items: readonly Item[]) => Promise<ReadonlyMap<Item, Result>>;
}): (item: Item) => Promise<Result> {
  const { maxBatchSize, sizeOf, workspaceOf } = options;
  const limiter = createFairShareLimiter(options.maxQueuedSize);
  const queues = new Map<string, QueuedItem<Item, Result>[]>();
  let isRunning = false;

  async function write(batch: readonly QueuedItem<Item, Result>[]): Promise<void> {
    const results = await options.write(batch.map(({ item }) => item));
    for (const { item, resolve, reject } of batch) {
      const result = results.get(item);
      if (result === undefined) reject(new Problem('internal'));
      else resolve(result);
    }
  }

  function dequeueBatch(): QueuedItem<Item, Result>[] {
    const batch: QueuedItem<Item, Result>[] = [];
    let batchSize = 0;
    for (;;) {
      const [nextEntry] = queues;
      if (nextEntry === undefined) break;
      const [workspaceId, queue] = nextEntry;
      const [first] = queue;
      if (first === undefined || (batch.length > 0 && batchSize + sizeOf(first.item) > maxBatchSize)) break;
      queue.shift();
      // Moves the workspace to the end of `queues`, so that workspaces take turns.
      queues.delete(workspaceId);
      if (queue.length > 0) queues.set(workspaceId, queue);
      first.release();
      batch.push(first);
      batchSize += sizeOf(first.item);
    }
    return batch;
  }

  async function writeQueued(): Promise<void> {
    isRunning = true;
    while (queues.size > 0) {
      const batch = dequeueBatch();
      try {
        await write(batch);
      } catch {
        // Written one at a time, so that an item that cannot be stored does not affect the others.
        for (const item of batch) await write([item]).catch(item.reject);
      }
    }
    isRunning = false;
  }

  return (item) => {
    const workspaceId = workspaceOf(item);
    const release = limiter.acquire(workspaceId, sizeOf(item));
    if (release === null) {
      return Promise.reject(new Problem('unavailable', 'Too much data is waiting to be stored.', { retryAfter: 1 }));
    }
    return new Promise((resolve, reject) => {
      const queued = { item, resolve, reject, release };
      const queue = queues.get(workspaceId);
      if (queue === undefined) queues.set(workspaceId, [queued]);
      else queue.push(queued);
      if (!isRunning) void writeQueued();
    });
  };
}
