import { Problem } from '../contract/problem.ts';
import { createDiskReserve } from '../store/disk-reserve.ts';
import { isEssentialWrite } from '../store/essential-writes.ts';
import type { SqliteStore } from '../store/sqlite.ts';
import type { Trx } from '../store/store.ts';

/** Result code `SQLITE_FULL`. */
const SQLITE_FULL = 13;
/** Result codes `SQLITE_IOERR` and `SQLITE_CANTOPEN`. */
const SQLITE_IO_ERRORS = new Set([10, 14]);
/** Minimum interval between two checks of a full disk. */
const CHECK_INTERVAL_MS = 1_000;
/** The effect of a full disk, in messages to users and operators. */
export const FULL_DISK_EFFECT =
  'Until space is freed, only writes that can end access (such as deletions), sign-ins and sign-outs are accepted.';
const FULL_DISK_DETAIL = `The disk is full. ${FULL_DISK_EFFECT}`;

/** Returns SQLite's primary result code of an error; null for other errors. */
function sqliteResultCodeOf(error: unknown): number | null {
  const { cause } = error as { cause?: { errcode?: unknown } | null };
  return typeof cause?.errcode === 'number' ? cause.errcode & 0xff : null;
}

/** Keeps essential writes possible when the disk of a store is full. */
export interface DiskSpace {
  /**
   * Runs a transaction. While the disk is full, only essential transactions are run, using the reserve. Throws
   * `unavailable` for other transactions and when the reserve is used up.
   */
  transaction<Result>(work: (trx: Trx) => Promise<Result>): Promise<Result>;
  isFull(): boolean;
  reserveBytes(): number;
  /** Restores the reserve if there is free space. */
  fillReserve(): Promise<void>;
}

/**
 * Calls `onChange` when the disk becomes full and when it has free space again. `writeProbe` is a transaction that
 * writes as little as possible.
 */
export function createDiskSpace(
  store: SqliteStore,
  directory: string,
  { writeProbe, onChange }: { writeProbe: (trx: Trx) => Promise<void>; onChange: (isFull: boolean) => void },
): DiskSpace {
  const reserve = createDiskReserve(directory);
  /** Whether the disk was full at the last write or check. */
  let isDiskFull = false;
  let lastCheckMs = 0;

  function setFull(isFull: boolean): void {
    if (isDiskFull !== isFull) onChange(isFull);
    isDiskFull = isFull;
  }

  /** Finds out whether a full disk has free space again, at most once per `CHECK_INTERVAL_MS`. */
  function checkSpace(): void {
    const nowMs = performance.now();
    if (!isDiskFull || nowMs - lastCheckMs < CHECK_INTERVAL_MS) return;
    lastCheckMs = nowMs;
    if (reserve.hasDiskSpace()) setFull(false);
  }

  function isOutOfSpace(error: unknown): boolean {
    const code = sqliteResultCodeOf(error);
    return code === SQLITE_FULL || (code !== null && SQLITE_IO_ERRORS.has(code) && reserve.isDiskFull());
  }

  return {
    async transaction(work) {
      checkSpace();
      if (isDiskFull && !isEssentialWrite()) throw new Problem('unavailable', FULL_DISK_DETAIL, { retryAfter: 30 });
      for (;;) {
        try {
          const result = await store.transaction(work);
          // A checkpoint makes the space in the write-ahead log reusable.
          if (isDiskFull) await store.checkpoint('passive').catch(() => undefined);
          return result;
        } catch (error) {
          if (!isOutOfSpace(error)) {
            // The failed transaction may be in the write-ahead log without having been synced, and could take effect
            // after a crash. The probe overwrites it.
            if (SQLITE_IO_ERRORS.has(sqliteResultCodeOf(error) ?? 0))
              await store.transaction(writeProbe).catch(() => undefined);
            throw error;
          }
          setFull(true);
          if (isEssentialWrite() && reserve.release()) continue;
          throw new Problem('unavailable', FULL_DISK_DETAIL, { retryAfter: 30, cause: error });
        }
      }
    },
    isFull: () => isDiskFull,
    reserveBytes: reserve.sizeBytes,
    async fillReserve() {
      checkSpace();
      if (!isDiskFull) await reserve.fill();
    },
  };
}

/** Releases up to two steps of the reserve if the disk is too full to open the store. */
export function releaseReserveToOpen(directory: string): void {
  try {
    const reserve = createDiskReserve(directory);
    for (let steps = 0; steps < 2 && reserve.isDiskFull(); steps++) reserve.release();
  } catch {
    // The directory does not exist yet.
  }
}
