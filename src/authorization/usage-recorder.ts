import type { CredentialRecord } from './record.ts';
import { type CounterSlots, createUsageCounters, type PendingUses, type UsageCounters } from './usage-counters.ts';

/** Credentials a transaction: few enough to hold the event loop for about a millisecond. */
const MAX_CREDENTIALS_PER_CHUNK = 500;

export interface UsageStore {
  /**
   * Adds the uses in one transaction, unless chunk `number` of this node is there already: after a
   * lost answer the same chunk is sent again and counts once.
   */
  addUses(nodeId: string, number: number, uses: readonly PendingUses[]): Promise<void>;
}

export interface UsageRecorder {
  /** Counts one successful judgement. Memory only; never waits. */
  count(record: CredentialRecord, address: string, now: number): void;
  /** Writes all that was counted before the call; one flush at a time. Rejects when the store does. */
  flush(): Promise<void>;
  /** Credentials with uses that are not written yet. */
  pendingCredentials(): number;
  /** Uses that are not known to be written: a chunk whose answer was lost may be. */
  pendingUses(): number;
  /** Milliseconds since the oldest use that is not written yet, 0 if there is none. */
  lagMs(now: number): number;
}

/** Counts uses in memory and writes them in chunks, each idempotent; `places` are those of the memory that records come from. */
export function createUsageRecorder(store: UsageStore, nodeId: string, counterSlots: CounterSlots): UsageRecorder {
  let current: UsageCounters = createUsageCounters(counterSlots);
  /** The tally being written; the next one is closed only after it, so that a store that is gone costs no more memory. */
  let closing: UsageCounters | null = null;
  let chunkNumber = 0;
  let chunk: { readonly uses: readonly PendingUses[]; readonly since: number } | null = null;
  let flushing: Promise<void> | null = null;

  function close(): void {
    closing = current;
    current = createUsageCounters(counterSlots);
  }

  async function writeAll(): Promise<void> {
    for (let closed = false; ; ) {
      if (chunk === null && closing === null) {
        if (closed || current.size() === 0) return;
        close();
        closed = true;
      }
      if (chunk === null && closing !== null) {
        chunk = { uses: closing.drain(MAX_CREDENTIALS_PER_CHUNK), since: closing.firstUseAt() };
        chunkNumber++;
        if (closing.size() === 0) closing = null;
      }
      // A failure leaves the chunk and its number in place, to be sent again just as it is.
      if (chunk !== null) await store.addUses(nodeId, chunkNumber, chunk.uses);
      chunk = null;
    }
  }

  return {
    count: (record, address, now) => current.count(record, address, now),
    flush() {
      const previousFlush = flushing;
      const thisFlush = (async () => {
        await previousFlush?.catch(() => undefined);
        await writeAll();
      })();
      flushing = thisFlush;
      return thisFlush;
    },
    pendingCredentials: () => current.size() + (closing?.size() ?? 0) + (chunk?.uses.length ?? 0),
    pendingUses: () =>
      current.uses() + (closing?.uses() ?? 0) + (chunk?.uses.reduce((sum, { count }) => sum + count, 0) ?? 0),
    lagMs(now) {
      const since = chunk?.since ?? closing?.firstUseAt() ?? current.firstUseAt();
      return since === 0 ? 0 : now - since;
    },
  };
}
