import { Problem } from '../contract/problem.ts';
import { createDiskReserve } from '../store/disk-reserve.ts';
import { isEssentialWrite } from '../store/essential-writes.ts';
import type { SqliteStore } from '../store/sqlite.ts';
import type { Trx } from '../store/store.ts';

const SQLITE_FULL = 13;
const SQLITE_IO_ERRORS = new Set([10, 14]);
/** Interval at which a full disk is checked again, milliseconds. */
const CHECK_INTERVAL_MS = 1_000;
const DISK_FULL_DETAIL =
  'The disk is full. Until space is freed, only deletions, deactivations, sign-ins and sign-outs are accepted.';

/** SQLite's primary result code of an error; null for any other error. */
function sqliteResultCodeOf(error: unknown): number | null {
  const { cause } = error as { cause?: { errcode?: unknown } | null };
  return typeof cause?.errcode === 'number' ? cause.errcode & 0xff : null;
}

/** A store on a disk that can fill up. */
export interface DiskSpace {
  /**
   * Runs a transaction. While the disk is full only essential transactions run, using the reserve. Throws
   * `unavailable`.
   */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
  isFull(): boolean;
  reserveBytes(): number;
  /** Restores the reserve if there is space. */
  fillReserve(): Promise<void>;
}

/** Calls `onChange` when the disk becomes full and when it no longer is. `touch` writes as little as possible. */
export function createDiskSpace(
  store: SqliteStore,
  directory: string,
  { touch: writeProbe, onChange }: { touch: (trx: Trx) => Promise<void>; onChange: (isFull: boolean) => void },
): DiskSpace {
  const reserve = createDiskReserve(directory);
  let full = false;
  let lastCheckMs = 0;

  function setFull(now: boolean): void {
    if (full !== now) onChange(now);
    full = now;
  }

  function checkSpace(): void {
    const now = performance.now();
    if (!full || now - lastCheckMs < CHECK_INTERVAL_MS) return;
    lastCheckMs = now;
    if (reserve.hasSpace()) setFull(false);
  }

  function isOutOfSpace(error: unknown): boolean {
    const code = sqliteResultCodeOf(error);
    return code === SQLITE_FULL || (code !== null && SQLITE_IO_ERRORS.has(code) && reserve.isFull());
  }

  return {
    async transaction(work) {
      checkSpace();
      if (full && !isEssentialWrite()) throw new Problem('unavailable', DISK_FULL_DETAIL, { retryAfter: 30 });
      for (;;) {
        try {
          const result = await store.transaction(work);
          // Makes the space in the write-ahead log reusable.
          if (full) await store.checkpoint('passive').catch(() => undefined);
          return result;
        } catch (error) {
          if (!isOutOfSpace(error)) {
            // What was written but not synced must not reappear after a crash: it is overwritten.
            if (SQLITE_IO_ERRORS.has(sqliteResultCodeOf(error) ?? 0))
              await store.transaction(writeProbe).catch(() => undefined);
            throw error;
          }
          setFull(true);
          if (isEssentialWrite() && reserve.release()) continue;
          throw new Problem('unavailable', DISK_FULL_DETAIL, { retryAfter: 30, cause: error });
        }
      }
    },
    isFull: () => full,
    reserveBytes: reserve.sizeBytes,
    async fillReserve() {
      checkSpace();
      if (!full) await reserve.fill();
    },
  };
}

/** Frees a part of the reserve if the store cannot even be opened. */
export function releaseReserveToOpen(directory: string): void {
  try {
    const reserve = createDiskReserve(directory);
    for (let pieces = 0; pieces < 2 && reserve.isFull(); pieces++) reserve.release();
  } catch {
    // The directory does not exist yet.
  }
}
