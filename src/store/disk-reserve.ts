import { randomBytes } from 'node:crypto';
import { existsSync, statfsSync, statSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

const MIB = 1_048_576;
/**
 * Bytes reserved next to the database. A deletion needs about 50 kB in the write-ahead log, which is reused, and 2 kB
 * in the database file.
 */
const RESERVE_BYTES = 4 * MIB;
/** Bytes by which the reserve file grows and shrinks. */
const STEP_BYTES = MIB / 2;
/** The disk counts as full if fewer bytes than this are free. */
const FULL_BYTES = MIB / 4;

/** Reserved disk space in the data directory, released in steps so that essential writes succeed on a full disk. */
export interface DiskReserve {
  sizeBytes(): number;
  /** Whether the disk has so little free space that almost nothing more can be written. */
  isDiskFull(): boolean;
  /** Whether the disk has enough free space for normal writes and for the whole reserve. */
  hasDiskSpace(): boolean;
  /** Releases one step of the reserve; returns false if the reserve is empty. */
  release(): boolean;
  /** Refills the reserve if there is space. */
  fill(): Promise<void>;
}

export function createDiskReserve(directory: string): DiskReserve {
  const path = join(directory, 'devpilot.reserve');
  const sizeBytes = () => (existsSync(path) ? statSync(path).size : 0);
  const freeBytes = () => {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  };
  const hasDiskSpace = () => freeBytes() + sizeBytes() > 3 * RESERVE_BYTES;
  return {
    sizeBytes,
    isDiskFull: () => freeBytes() < FULL_BYTES,
    hasDiskSpace,
    release() {
      const size = sizeBytes();
      if (size === 0) return false;
      truncateSync(path, Math.max(0, size - STEP_BYTES));
      return true;
    },
    async fill() {
      const missingBytes = RESERVE_BYTES - sizeBytes();
      if (missingBytes <= 0 || !hasDiskSpace()) return;
      const file = await open(path, 'a', 0o600);
      try {
        // Random bytes, because some file systems allocate no space for zeros.
        for (let remaining = missingBytes; remaining > 0; remaining -= STEP_BYTES) {
          await file.write(randomBytes(Math.min(remaining, STEP_BYTES)));
        }
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}
