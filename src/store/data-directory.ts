import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartRefusedError } from './start-refused-error.ts';

export interface DataDirectory {
  readonly path: string;
  readonly databaseFile: string;
  /** Releases the lock. */
  release(): void;
}

/** Returns the path of the embedded store's database in a data directory. */
export const databaseFileIn = (directory: string): string => join(directory, 'devpilot.db');

/** Calls fsync on a file to make its content durable, or on a directory to make its entries durable. */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

/** Creates a directory with mode 0700 unless it exists. Its parent must exist. */
function makeLeafDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}

/**
 * Creates a directory and its parents with mode 0700 unless they exist. Node's own `recursive` option loops forever
 * where an existing parent refuses new directories, as `/proc` does.
 */
export function makeDirectory(path: string): void {
  try {
    makeLeafDirectory(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    makeLeafDirectory(path);
  }
}

const READ = constants.R_OK;
const READ_AND_WRITE = constants.R_OK | constants.W_OK;

/** Files of a data directory, and the access that a server needs to each file if it exists. */
const FILES: Readonly<Record<string, number>> = {
  'devpilot.db': READ_AND_WRITE,
  'devpilot.db-wal': READ_AND_WRITE,
  'devpilot.db-shm': READ_AND_WRITE,
  'devpilot.lock': READ_AND_WRITE,
  'devpilot.pid': READ_AND_WRITE,
  'devpilot.state': READ_AND_WRITE,
  'devpilot.reserve': READ_AND_WRITE,
  secret: READ,
};

/**
 * Throws `StartRefusedError` if one of `FILES` exists in the data directory but is not a regular file or is not
 * accessible to this user. Checked before anything is opened, because opening a named pipe blocks forever. Does nothing
 * if the directory does not exist.
 */
export function refuseUnusableFiles(
  directory: string,
  access: (path: string, mode: number) => void = accessSync,
): void {
  for (const [name, mode] of Object.entries(FILES)) {
    const path = join(directory, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (!stats.isFile()) {
      const kind = stats.isDirectory() ? 'a directory' : 'not a regular file';
      throw new StartRefusedError(`${path} is ${kind}. Move it away, or set DEVPILOT_DATA_DIR to another directory.`);
    }
    try {
      access(path, mode);
    } catch (error) {
      const { code = 'no access' } = error as NodeJS.ErrnoException;
      throw new StartRefusedError(
        `${path} cannot be ${mode === READ ? 'read' : 'read and written'} by this user (${code}). Change its owner or mode, or set DEVPILOT_DATA_DIR to another directory.`,
        { cause: error },
      );
    }
  }
}

/**
 * Creates the data directory if needed, sets its mode to 0700, and locks it for this process. The lock is SQLite's own,
 * on a file next to the database, so the operating system releases it however the process dies. Throws
 * `StartRefusedError` if another process holds it.
 */
export function lockDataDirectory(path: string): DataDirectory {
  makeDirectory(path);
  refuseUnusableFiles(path);
  const pidFile = join(path, 'devpilot.pid');
  const lock = new DatabaseSync(join(path, 'devpilot.lock'));
  try {
    lock.exec('pragma busy_timeout = 0; begin exclusive');
  } catch {
    lock.close();
    let holder = 'another process';
    try {
      holder = `process ${readFileSync(pidFile, 'utf8').trim()}`;
    } catch {}
    throw new StartRefusedError(
      `The data directory ${path} is in use by ${holder}. Stop it first, or set DEVPILOT_DATA_DIR to another directory.`,
    );
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  chmodSync(path, 0o700);
  return {
    path,
    databaseFile: databaseFileIn(path),
    release() {
      lock.exec('rollback');
      lock.close();
    },
  };
}
