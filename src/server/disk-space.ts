import { Problem } from '../contract/problem.ts';
import { createDiskReserve } from '../store/disk-reserve.ts';
import { isEssential } from '../store/essential.ts';
import type { SqliteStore } from '../store/sqlite.ts';
import type { Trx } from '../store/store.ts';

const FULL = 13;
const IO_ERRORS = new Set([10, 14]);
/** How often a disk that was full is looked at again; milliseconds. */
const LOOK_EVERY = 1_000;
const WHAT_GOES_ON =
  'The disk is full. Only deletions, deactivations, sign-ins and sign-outs are done until there is room.';

/** SQLite's primary result code of what a transaction threw; null for anything else. */
function resultCodeOf(error: unknown): number | null {
  const { cause } = error as { cause?: { errcode?: unknown } | null };
  return typeof cause?.errcode === 'number' ? cause.errcode & 0xff : null;
}

/** A store on a disk that may fill up. */
export interface DiskSpace {
  /** Runs a transaction; while the disk is full only essential ones, which use the reserve. Throws `unavailable`. */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
  isFull(): boolean;
  reserveBytes(): number;
  /** Takes what is missing of the reserve, where there is room. */
  fill(): Promise<void>;
}

/** `onChange` is told when the disk has become full, and when it no longer is. `touch` writes next to nothing. */
export function watchDisk(
  store: SqliteStore,
  directory: string,
  { touch, onChange }: { touch: (trx: Trx) => Promise<void>; onChange: (isFull: boolean) => void },
): DiskSpace {
  const reserve = createDiskReserve(directory);
  let full = false;
  let looked = 0;

  function setFull(now: boolean): void {
    if (full !== now) onChange(now);
    full = now;
  }

  function look(): void {
    const now = performance.now();
    if (!full || now - looked < LOOK_EVERY) return;
    looked = now;
    if (reserve.hasRoom()) setFull(false);
  }

  function ranOut(error: unknown): boolean {
    const code = resultCodeOf(error);
    return code === FULL || (code !== null && IO_ERRORS.has(code) && reserve.isFull());
  }

  return {
    async transaction(work) {
      look();
      if (full && !isEssential()) throw new Problem('unavailable', WHAT_GOES_ON, { retryAfter: 30 });
      for (;;) {
        try {
          const result = await store.transaction(work);
          // The room in the log can then be used again.
          if (full) await store.checkpoint('passive').catch(() => undefined);
          return result;
        } catch (error) {
          if (!ranOut(error)) {
            // What was written but not brought to the disk must not come back after a crash: it is written over.
            if (IO_ERRORS.has(resultCodeOf(error) ?? 0)) await store.transaction(touch).catch(() => undefined);
            throw error;
          }
          setFull(true);
          if (isEssential() && reserve.release()) continue;
          throw new Problem('unavailable', WHAT_GOES_ON, { retryAfter: 30, cause: error });
        }
      }
    },
    isFull: () => full,
    reserveBytes: reserve.sizeBytes,
    async fill() {
      look();
      if (!full) await reserve.fill();
    },
  };
}

/** Gives a piece of the reserve up where a store could not even be opened. */
export function makeRoomToOpen(directory: string): void {
  try {
    const reserve = createDiskReserve(directory);
    for (let pieces = 0; pieces < 2 && reserve.isFull(); pieces++) reserve.release();
  } catch {
    // There is no such directory yet.
  }
}
