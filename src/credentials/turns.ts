/**
 * Gathers what comes in one turn of the event loop, and hands it to `work` in order at the end of that turn; sooner
 * when it is `most`, so that nobody waits for more than those. Alone in its turn, an item waits for nothing.
 * `work` must not throw.
 */
export function inTurns<Item>(most: number, work: (items: readonly Item[]) => void): (item: Item) => void {
  let gathered: Item[] = [];
  let isDue = false;

  function handOver(): void {
    const items = gathered;
    gathered = [];
    work(items);
  }

  function endTurn(): void {
    isDue = false;
    if (gathered.length > 0) handOver();
  }

  return (item) => {
    gathered.push(item);
    if (gathered.length >= most) handOver();
    else if (!isDue) {
      isDue = true;
      setImmediate(endTurn);
    }
  };
}
