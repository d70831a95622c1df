/**
 * Gathers what comes in one turn of the event loop, and hands it to `work` in order at the end of that turn; sooner
 * when it is `most`, so that nobody waits for more than those. Alone in its turn, an item waits for nothing.
 * `work` must not throw.
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
