import { randomBytes } from 'node:crypto';
import { existsSync, statfsSync, statSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

const MB = 1_048_576;
/** Bytes kept beside the store; a deletion takes some 50 kB of log, which is used again, and 2 kB of the file. */
const RESERVE_BYTES = 4 * MB;
const STEP_BYTES = MB / 2;
/** With less than this the disk is full, with more than twice the reserve beyond it it has room again. */
const FULL_BYTES = MB / 4;

/** Room on the disk of a data directory that is given up a piece at a time, for what must be written although it is full. */
export interface DiskReserve {
  sizeBytes(): number;
  /** Whether next to nothing can be written. */
  isFull(): boolean;
  /** Whether there is room for everything again, and for the reserve. */
  hasRoom(): boolean;
  /** Gives a piece up; false where none is left. */
  release(): boolean;
  /** Takes what is missing of it, where there is room. */
  fill(): Promise<void>;
}

export function createDiskReserve(directory: string): DiskReserve {
  const path = join(directory, 'devpilot.reserve');
  const sizeBytes = () => (existsSync(path) ? statSync(path).size : 0);
  const freeBytes = () => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  };
  const hasRoom = () => freeBytes() + sizeBytes() > 3 * RESERVE_BYTES;
  return {
    sizeBytes,
    isFull: () => freeBytes() < FULL_BYTES,
    hasRoom,
    release() {
      const size = sizeBytes();
      if (size === 0) return false;
      truncateSync(path, Math.max(0, size - STEP_BYTES));
      return true;
    },
    async fill() {
      const missing = RESERVE_BYTES - sizeBytes();
      if (missing <= 0 || !hasRoom()) return;
      const file = await open(path, 'a', 0o600);
      try {
        // Not zeros: some file systems keep no room for those.
        for (let left = missing; left > 0; left -= STEP_BYTES) {
          await file.write(randomBytes(Math.min(left, STEP_BYTES)));
        }
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}
