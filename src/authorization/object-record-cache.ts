import type { CredentialRecord, Digest, UncachedRecord } from './record.ts';
import type { RecordCache } from './registry.ts';

interface CachedRecord extends CredentialRecord {
  /** Whether the record has been used since eviction last considered it. */
  isRecent: boolean;
}

/** Maximum number of recently used records that one eviction skips. It evicts the next one even if that was used. */
const MAX_SECOND_CHANCES = 64;

/**
 * A cache for guards, SDK authorizers in other processes. They have thousands of records, whereas servers have up to a
 * million. A record's `row` is the number by which usage counters find it. Storing records as objects
 * makes a look-up a single `Map` access that builds no object, at the price of more memory per record. If the results
 * of the benchmark `guard` were as good with `createRecordCache`, guards could use that, and this file could be
 * deleted.
 */
export function createObjectRecordCache(capacity: number): RecordCache {
  /** Records in eviction order. The eviction algorithm is second chance, also known as CLOCK (Corbató 1968). */
  const records = new Map<Digest, CachedRecord>();
  let counterSlots: number[] = [];
  let freeRows: number[] = [];

  function drop(digest: Digest): void {
    const record = records.get(digest);
    if (record !== undefined && records.delete(digest)) freeRows.push(record.row);
  }

  /**
   * Evicts the first record that was not used since eviction last considered it. Moves the used records before it to
   * the end, at most `MAX_SECOND_CHANCES` of them.
   */
  function evictOne(): void {
    let chances = MAX_SECOND_CHANCES;
    for (const [digest, record] of records) {
      if (!record.isRecent || chances-- <= 0) {
        drop(digest);
        return;
      }
      record.isRecent = false;
      records.delete(digest);
      records.set(digest, record);
    }
  }

  return {
    get(digest) {
      const record = records.get(digest);
      if (record === undefined || record.workspace.revoked) return null;
      record.isRecent = true;
      return record;
    },
    set(digest, record: UncachedRecord) {
      drop(digest);
      if (records.size >= capacity) evictOne();
      const row = freeRows.pop() ?? records.size;
      records.set(digest, { ...record, row, isRecent: false });
    },
    delete: drop,
    clear() {
      records.clear();
      counterSlots = [];
      freeRows = [];
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
