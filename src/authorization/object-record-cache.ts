import type { CredentialRecord, Digest } from './record.ts';
import type { RecordCache, UncachedRecord } from './record-cache.ts';

interface CachedRecord extends CredentialRecord {
  /** Used since the eviction last came by. */
  recent: boolean;
}

/** Records the eviction passes over before it takes one that is in use. */
const MAX_SECOND_CHANCES = 64;

/**
 * Keeps records as the objects they are: for the thousands of a guard, not for the million of a server. A
 * record is found by one look-up and needs no putting together, which is most of what a judgement costs.
 */
export function createObjectRecordCache(capacity: number): RecordCache {
  /** In the order in which the eviction comes by (Corbató 1968). */
  const records = new Map<Digest, CachedRecord>();
  let counterSlots: number[] = [];
  let free: number[] = [];

  function drop(digest: Digest): void {
    const record = records.get(digest);
    if (record !== undefined && records.delete(digest)) free.push(record.row);
  }

  /** Second chance: the next in line goes, unless it was used since its last turn. */
  function evictOne(): void {
    let chances = MAX_SECOND_CHANCES;
    for (const [digest, record] of records) {
      if (!record.recent || chances-- <= 0) {
        drop(digest);
        return;
      }
      record.recent = false;
      records.delete(digest);
      records.set(digest, record);
    }
  }

  return {
    get(digest) {
      const record = records.get(digest);
      if (record === undefined || record.workspace.revoked) return null;
      record.recent = true;
      return record;
    },
    set(digest, record: UncachedRecord) {
      drop(digest);
      if (records.size >= capacity) evictOne();
      const row = free.pop() ?? records.size;
      records.set(digest, { ...record, row, recent: false });
    },
    delete: drop,
    clear() {
      records.clear();
      counterSlots = [];
      free = [];
    },
    size: () => records.size,
    counterSlots: {
      get: (row) => counterSlots[row] ?? 0,
      set(row, counterSlot) {
        counterSlots[row] = counterSlot;
      },
    },
  };
}
