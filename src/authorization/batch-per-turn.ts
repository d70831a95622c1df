/**
 * Processing the requests of one turn of the event loop together saves a wake-up of the client per response in
 * `src/http/authorize.ts`, and cache misses of the processor in `src/sdk/fastify.ts`
 * (`docs/adr/0015-batches-per-turn.md`). The benchmarks `authorize` and `guard` show it. If they no longer did, this
 * file could be deleted and both callers would process each request when it arrives.
 *
 * Returns a function that collects items and passes them to `processBatch`, in order, at the end of the current turn of
 * the event loop, or as soon as there are `maxBatchSize` of them, which bounds how long an item waits for the others.
 * `processBatch` must not throw.
 */
export function batchPerTurn<Item>(
  maxBatchSize: number,
  processBatch: (items: readonly Item[]) => void,
): (item: Item) => void {
  let batch: Item[] = [];
  let isDue = false;

  function flush(): void {
    const items = batch;
    batch = [];
    processBatch(items);
  }

  function endTurn(): void {
    isDue = false;
    if (batch.length > 0) flush();
  }

  return (item) => {
    batch.push(item);
    if (batch.length >= maxBatchSize) flush();
    else if (!isDue) {
      isDue = true;
      setImmediate(endTurn);
    }
  };
}
