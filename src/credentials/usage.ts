import type { CredentialRecord } from './record.ts';

/** Uses of one credential that are not in the store yet; instants in epoch milliseconds. */
export interface PendingUses {
  readonly credentialId: string;
  readonly workspaceId: string;
  count: number;
  lastUsedAt: number;
  /** Address to first and last use from it. */
  readonly addresses: Map<string, { first: number; last: number }>;
}

/** The addresses kept per credential: the page shows the last twenty. */
export const ADDRESSES_KEPT = 20;
const CHUNK = 250;

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

/** Adds `more` to `uses`, which is of the same credential. */
function merge(uses: PendingUses, more: PendingUses): void {
  uses.count += more.count;
  uses.lastUsedAt = Math.max(uses.lastUsedAt, more.lastUsedAt);
  for (const [address, { first, last }] of more.addresses) {
    const seen = uses.addresses.get(address);
    if (seen !== undefined) {
      seen.first = Math.min(seen.first, first);
      seen.last = Math.max(seen.last, last);
    } else if (uses.addresses.size < ADDRESSES_KEPT) uses.addresses.set(address, { first, last });
  }
}

/** Counts uses in memory and writes them in chunks, each idempotent. */
export function createUsage(store: UsageStore, nodeId: string): Usage {
  let dirty: CredentialRecord[] = [];
  let oldest = 0;
  /** By credential, since a chunk must name each once: a record read anew has uses of its own. */
  const unwritten = new Map<string, PendingUses>();
  let chunkNumber = 0;
  let chunk: PendingUses[] | null = null;
  let flushing: Promise<void> | null = null;

  async function writeAll(): Promise<void> {
    for (const { pending } of dirty) {
      if (pending === null) continue;
      const uses = unwritten.get(pending.credentialId);
      if (uses === undefined) unwritten.set(pending.credentialId, pending);
      else merge(uses, pending);
    }
    for (const record of dirty) record.pending = null;
    dirty = [];
    oldest = 0;
    while (chunk !== null || unwritten.size > 0) {
      if (chunk === null) {
        chunk = [...unwritten.values().take(CHUNK)];
        for (const { credentialId } of chunk) unwritten.delete(credentialId);
        chunkNumber++;
      }
      // A failure leaves the chunk and its number in place, to be sent again just as it is.
      await store.addUses(nodeId, chunkNumber, chunk);
      chunk = null;
    }
  }

  return {
    count(record, address, now) {
      let pending = record.pending;
      if (pending === null) {
        pending = {
          credentialId: record.id,
          workspaceId: record.workspace.id,
          count: 0,
          lastUsedAt: now,
          addresses: new Map(),
        };
        record.pending = pending;
        dirty.push(record);
        if (oldest === 0) oldest = now;
      }
      pending.count++;
      pending.lastUsedAt = now;
      const seen = pending.addresses.get(address);
      if (seen !== undefined) seen.last = now;
      else if (pending.addresses.size < ADDRESSES_KEPT) pending.addresses.set(address, { first: now, last: now });
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
    pendingCredentials: () => dirty.length + unwritten.size + (chunk?.length ?? 0),
    lag: (now) => (oldest === 0 ? 0 : now - oldest),
  };
}
