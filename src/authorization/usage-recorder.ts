import type { CredentialRecord } from './record.ts';
import type { RightsMask } from './rights.ts';
import { type CounterSlots, createUsageCounters, type PendingUses, type UsageCounters } from './usage-counters.ts';

/** Credentials per transaction: few enough to block the event loop for only about a millisecond. */
const MAX_CREDENTIALS_PER_CHUNK = 500;

export interface UsageStore {
  /**
   * Stores the uses in one transaction, unless chunk `number` of this node is already stored. Idempotent, so that a
   * chunk can be sent again after its response was lost. `number` is the time of the first use in epoch milliseconds,
   * or one more than the previous number if that is greater, so that the store can derive the age of a chunk.
   */
  addUses(nodeId: string, number: number, uses: readonly PendingUses[]): Promise<void>;
}

export interface UsageRecorder {
  /**
   * Counts one use, in memory. `now` is in epoch milliseconds, `exercised` is a mask from `exercisedMaskOf`, and `app`
   * is the ID or slug of the app that the request is about.
   */
  count(record: CredentialRecord, address: string, now: number, exercised?: RightsMask, app?: string | null): void;
  /** Writes all uses counted before the call. Flushes run one at a time. Rejects with the error of the store. */
  flush(): Promise<void>;
  /** Number of credentials with uses that are not yet written. */
  pendingCredentials(): number;
  /** Number of uses not known to be written, including a chunk whose response was lost. */
  pendingUses(): number;
  /** Returns the milliseconds since the oldest use that is not yet written, 0 if there is none. */
  lagMs(now: number): number;
}

/**
 * Counts uses in memory and writes them in idempotent chunks. `counterSlots` must be from the cache that holds the
 * counted records.
 */
export function createUsageRecorder(store: UsageStore, nodeId: string, counterSlots: CounterSlots): UsageRecorder {
  let current: UsageCounters = createUsageCounters(counterSlots);
  /** The counters being written; only one at a time, so that memory stays bounded while the database is down. */
  let closing: UsageCounters | null = null;
  let chunkNumber = 0;
  let chunk: { readonly uses: readonly PendingUses[]; readonly since: number } | null = null;
  let lastFlush: Promise<void> | null = null;

  function close(): void {
    closing = current;
    current = createUsageCounters(counterSlots);
  }

  async function writeAll(): Promise<void> {
    let hasClosed = false;
    for (;;) {
      if (chunk === null && closing === null) {
        if (hasClosed || current.credentialCount() === 0) return;
        close();
        hasClosed = true;
      }
      if (chunk === null && closing !== null) {
        chunk = { uses: closing.drain(MAX_CREDENTIALS_PER_CHUNK), since: closing.firstUseAt() };
        chunkNumber = Math.max(chunkNumber + 1, Math.floor(chunk.since));
        if (closing.credentialCount() === 0) closing = null;
      }
      // If this throws, the next flush sends the same chunk with the same number again.
      if (chunk !== null) await store.addUses(nodeId, chunkNumber, chunk.uses);
      chunk = null;
    }
  }

  return {
    count: (record, address, now, exercised = 0, app = null) => current.count(record, address, now, exercised, app),
    flush() {
      const previousFlush = lastFlush;
      const thisFlush = (async () => {
        await previousFlush?.catch(() => undefined);
        await writeAll();
      })();
      lastFlush = thisFlush;
      return thisFlush;
    },
    pendingCredentials: () => current.credentialCount() + (closing?.credentialCount() ?? 0) + (chunk?.uses.length ?? 0),
    pendingUses: () =>
      current.useCount() + (closing?.useCount() ?? 0) + (chunk?.uses.reduce((sum, { count }) => sum + count, 0) ?? 0),
    lagMs(now) {
      const since = chunk?.since ?? closing?.firstUseAt() ?? current.firstUseAt();
      return since === 0 ? 0 : now - since;
    },
  };
}
