/**
 * Returns a function that collects items and passes them to `processBatch`, in order, at the end of the current turn of
 * the event loop, or as soon as there are `maxBatchSize` of them, which bounds how long an item waits. `processBatch`
 * must not throw.
 *
 * Processing the requests of one turn together saves one wake-up of the client per response in `src/http/authorize.ts`,
 * and processor cache misses in `src/sdk/fastify.ts` (`docs/adr/0015-batches-per-turn.md`). If the results of the
 * benchmarks `authorize` and `guard` were as good without it, this file could be deleted, and both callers would
 * process each request when it arrives.
 */
export function batchPerTurn<Item>(
  maxBatchSize: number,
  processBatch: (items: readonly Item[]) => void,
): (item: Item) => void {
  let batch: Item[] = [];
  let isFlushScheduled = false;

  function flush(): void {
    const items = batch;
    batch = [];
    processBatch(items);
  }

  function endTurn(): void {
    isFlushScheduled = false;
    if (batch.length > 0) flush();
  }

  return (item) => {
    batch.push(item);
    if (batch.length >= maxBatchSize) flush();
    else if (!isFlushScheduled) {
      isFlushScheduled = true;
      setImmediate(endTurn);
    }
  };
}
