import type { CredentialRecord } from './record.ts';

/** Uses of one credential that are not in the store yet; instants in epoch milliseconds. */
export interface PendingUses {
  readonly credentialId: string;
  count: number;
  lastUsedAt: number;
  /** Few, and mostly one: looked through in order. */
  readonly addresses: UsesFrom[];
}

/** First and last use from one address. */
interface UsesFrom {
  readonly address: string;
  readonly first: number;
  last: number;
}

/** Notes a use from an address; beyond the addresses kept it is left out. */
function noteAddress(addresses: UsesFrom[], address: string, now: number): void {
  for (const seen of addresses) {
    if (seen.address !== address) continue;
    seen.last = now;
    return;
  }
  if (addresses.length < ADDRESSES_KEPT) addresses.push({ address, first: now, last: now });
}

/** The addresses kept per credential: the page shows the last twenty. */
export const ADDRESSES_KEPT = 20;
/** Credentials a transaction: few enough to hold the event loop for about a millisecond. */
const CHUNK = 500;

export interface UsageStore {
  /**
   * Adds the uses in one transaction, unless chunk `number` of this node is there already: after a
   * lost answer the same chunk is sent again and counts once.
   */
  addUses(nodeId: string, number: number, uses: readonly PendingUses[]): Promise<void>;
}

export interface Usage {
  /** Counts one successful judgement. Memory only; never waits. */
  count(record: CredentialRecord, address: string, now: number): void;
  /** Writes all that was counted before the call; one flush at a time. Rejects when the store does. */
  flush(): Promise<void>;
  /** Credentials with uses that are not written yet. */
  pendingCredentials(): number;
  /** Milliseconds since the oldest use that is not written yet, 0 if there is none. */
  lag(now: number): number;
}

/** The uses of a record that is due, which from here on counts anew. */
function takePending(record: CredentialRecord): PendingUses[] {
  const { pending } = record;
  record.pending = null;
  return pending === null ? [] : [pending];
}

/** Counts uses in memory and writes them in chunks, each idempotent. */
export function createUsage(store: UsageStore, nodeId: string): Usage {
  /** In the order in which they were first used since they were last written. */
  const dirty: CredentialRecord[] = [];
  let chunkNumber = 0;
  let chunk: PendingUses[] | null = null;
  let flushing: Promise<void> | null = null;

  async function writeAll(): Promise<void> {
    for (let due = dirty.length; chunk !== null || due > 0; ) {
      if (chunk === null) {
        const taken = dirty.splice(0, Math.min(CHUNK, due));
        due -= taken.length;
        chunk = taken.flatMap(takePending);
        chunkNumber++;
      }
      // A failure leaves the chunk and its number in place, to be sent again just as it is.
      await store.addUses(nodeId, chunkNumber, chunk);
      chunk = null;
    }
  }

  return {
    count(record, address, now) {
      const { pending } = record;
      if (pending === null) {
        const addresses = [{ address, first: now, last: now }];
        record.pending = { credentialId: record.id, count: 1, lastUsedAt: now, addresses };
        dirty.push(record);
        return;
      }
      pending.count++;
      pending.lastUsedAt = now;
      noteAddress(pending.addresses, address, now);
    },
    flush() {
      const before = flushing;
      const mine = (async () => {
        await before?.catch(() => undefined);
        await writeAll();
      })();
      flushing = mine;
      return mine;
    },
    pendingCredentials: () => dirty.length + (chunk?.length ?? 0),
    lag(now) {
      const [oldest = dirty[0]?.pending] = chunk ?? [];
      return oldest?.addresses[0] === undefined ? 0 : now - oldest.addresses[0].first;
    },
  };
}
