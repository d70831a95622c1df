import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface DataDirectory {
  readonly path: string;
  readonly database: string;
  /** Lets another process have the directory. */
  release(): void;
}

/** The directory is in use by another process; `message` says by which. */
export class DirectoryInUse extends Error {}

/**
 * Makes a directory and those above it, with mode 0700, or throws. Node's own `recursive` tries for ever
 * where a directory that is there takes none, as `/proc` does.
 */
export function makeDirectory(path: string): void {
  const make = (missing: (error: unknown) => void) => {
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST' && statSync(path).isDirectory()) return;
      if (code !== 'ENOENT' || dirname(path) === path) throw error;
      missing(error);
    }
  };
  make(() => {
    makeDirectory(dirname(path));
    make((error) => {
      throw error;
    });
  });
}

/**
 * Makes the data directory if need be (mode 0700) and takes it for this process. The lock is SQLite's
 * own on a file beside the database: the system gives it up when a process dies, however it dies.
 */
export function takeDataDirectory(path: string): DataDirectory {
  makeDirectory(path);
  const holder = join(path, 'devpilot.pid');
  const lock = new DatabaseSync(join(path, 'devpilot.lock'));
  try {
    lock.exec('pragma busy_timeout = 0; begin exclusive');
  } catch {
    lock.close();
    let who = 'another process';
    try {
      who = `process ${readFileSync(holder, 'utf8').trim()}`;
    } catch {}
    throw new DirectoryInUse(
      `The data directory ${path} is in use by ${who}. Stop it first, or set DEVPILOT_DATA_DIR.`,
    );
  }
  writeFileSync(holder, `${process.pid}\n`);
  chmodSync(path, 0o700);
  return {
    path,
    database: join(path, 'devpilot.db'),
    release() {
      lock.exec('rollback');
      lock.close();
    },
  };
}
