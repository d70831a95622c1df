import type { CredentialRecord, Digest } from './record.ts';
import type { RecordCache, UncachedRecord } from './record-cache.ts';

interface CachedRecord extends CredentialRecord {
  /** Used since eviction last considered it. */
  recent: boolean;
}

/** Number of recently used records that one eviction skips. */
const MAX_SECOND_CHANCES = 64;

/**
 * A cache for guards, which have thousands of records, whereas servers have up to a million. Storing records as objects
 * makes a look-up a single `Map` access that builds no object, at the price of more memory per record. The benchmark
 * `guard` shows what that saves per decision. If it no longer did, this file could be deleted and guards would use
 * `createRecordCache`.
 */
export function createObjectRecordCache(capacity: number): RecordCache {
  /** In eviction order; eviction is second chance, also known as CLOCK (Corbató 1968). */
  const records = new Map<Digest, CachedRecord>();
  let counterSlots: number[] = [];
  let free: number[] = [];

  function drop(digest: Digest): void {
    const record = records.get(digest);
    if (record !== undefined && records.delete(digest)) free.push(record.row);
  }

  /** Evicts the first record that was not used since it was last considered; moves used ones to the end. */
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
