import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { databaseFileIn, syncPath } from './data-directory.ts';
import { isDamage } from './sqlite-open.ts';
import { StartRefusedError } from './start-refused-error.ts';

/**
 * The contents of `devpilot.state`. What a data directory must contain is recorded twice: in this file next to the
 * database, and in the `installation` row of the database. The column `clean` of that row is 1 while the database file
 * contains everything that was written. It is set to 0, and checkpointed into the database file, before any write is
 * acknowledged, and set to 1 by a clean stop before the write-ahead log is removed. A database file with `clean` = 0
 * and without its log has therefore lost acknowledged writes, except after the start that `stopped` names. A crash does
 * not remove the log.
 */
interface StoreState {
  /**
   * The ID of the store. Null while any part of the store can be missing: during its creation, and after
   * `devpilot store accept --lost-changes` until the next start.
   */
  readonly store: string | null;
  /** How many times the store has been opened. */
  readonly starts: number;
  /**
   * The number of the start whose clean stop could not be recorded in the database file, for example because the disk
   * was full. For this start, `clean` = 0 without a log is accepted.
   */
  readonly stopped?: number;
}

interface InstallationState {
  readonly store_id: string;
  readonly starts: number;
  readonly clean: number;
}

/** Files up to this size are checked with `quick_check` before the start, which takes at most about 200 ms. */
const MAX_STARTUP_CHECK_BYTES = 16 * 1_048_576;
const WAL_HEADER_BYTES = 32;
const WAL_MAGIC = [0x377f0682, 0x377f0683];

const statePath = (directory: string) => join(directory, 'devpilot.state');
const readFileSize = (path: string): number => (existsSync(path) ? statSync(path).size : 0);

const ACCEPT_HINT = 'If that is not possible, run: devpilot store accept --lost-changes';
const RESTORE_HINT = 'Restore a backup into an empty directory.';

function readState(directory: string): StoreState | null {
  try {
    const { store, starts, stopped } = JSON.parse(readFileSync(statePath(directory), 'utf8')) as Partial<StoreState>;
    if ((typeof store !== 'string' && store !== null) || typeof starts !== 'number') return null;
    return { store, starts, ...(typeof stopped === 'number' && { stopped }) };
  } catch {
    return null;
  }
}

/** Atomically records the contents that the directory must have from now on. */
export function writeState(directory: string, state: StoreState): void {
  const path = statePath(directory);
  const file = openSync(`${path}.tmp`, 'w', 0o600);
  writeSync(file, `${JSON.stringify(state)}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.tmp`, path);
  syncPath(directory);
}

/**
 * Returns whether there is a write-ahead log with a valid header. After a crash, the log may be empty of frames, but
 * its header is always valid.
 */
function hasWal(path: string): boolean {
  if (readFileSize(path) < WAL_HEADER_BYTES) return false;
  const header = Buffer.alloc(WAL_HEADER_BYTES);
  const file = openSync(path, 'r');
  readSync(file, header, 0, WAL_HEADER_BYTES, 0);
  closeSync(file);
  const magic = header.readUInt32BE(0);
  if (!WAL_MAGIC.includes(magic)) return false;
  // The checksum that "Database File Format", section 4.2, of SQLite's documentation defines. The magic number
  // determines the byte order of its words.
  let [low, high] = [0, 0];
  for (let offset = 0; offset < 24; offset += 8) {
    const [first, second] =
      magic === WAL_MAGIC[1]
        ? [header.readUInt32BE(offset), header.readUInt32BE(offset + 4)]
        : [header.readUInt32LE(offset), header.readUInt32LE(offset + 4)];
    low = (low + first + high) >>> 0;
    high = (high + second + low) >>> 0;
  }
  return header.readUInt32BE(24) === low && header.readUInt32BE(28) === high;
}

function readInstallation(database: DatabaseSync): InstallationState | undefined {
  const table = database.prepare("select 1 from sqlite_schema where type = 'table' and name = 'installation'").get();
  if (table === undefined) return undefined;
  const row = database.prepare('select store_id, starts, clean from installation where id = 1').get();
  return row as unknown as InstallationState | undefined;
}

function checkIntegrity(database: DatabaseSync, path: string): void {
  if (readFileSize(path) > MAX_STARTUP_CHECK_BYTES) return;
  const result = database.prepare('pragma quick_check(1)').get()?.['quick_check'];
  if (result !== 'ok')
    throw new StartRefusedError(`${path} is damaged (${String(result).split('\n')[0]}). ${RESTORE_HINT}`);
}

/**
 * Returns the installation row of a database file. Changes neither the file nor an existing log, but can create an
 * empty log. Throws `StartRefusedError` if the file is damaged.
 */
function readStoreFile(path: string): InstallationState | undefined {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      database.exec('pragma busy_timeout = 5000; pragma cell_size_check = on');
      const row = readInstallation(database);
      checkIntegrity(database, path);
      return row;
    } finally {
      database.close();
    }
  } catch (error) {
    if (error instanceof StartRefusedError) throw error;
    const { message, errcode = null } = error as { message: string; errcode?: number };
    if (!isDamage(errcode)) throw error;
    throw new StartRefusedError(`${path} is damaged (${message}). ${RESTORE_HINT}`, { cause: error });
  }
}

function refuseLostFile(directory: string, state: StoreState | null): void {
  const path = databaseFileIn(directory);
  const condition = existsSync(path) ? 'is empty' : 'is missing';
  const secret = join(directory, 'secret');
  const evidence = state === null && existsSync(secret) ? secret : statePath(directory);
  const existedBefore = state !== null || existsSync(secret) || readFileSize(`${path}-wal`) > 0;
  if (!existedBefore) return;
  throw new StartRefusedError(
    `${path} ${condition}, but ${evidence} shows that a database was here. Restore the file, or restore a backup. ${ACCEPT_HINT}`,
  );
}

function refuseForeignOrStaleFile(
  directory: string,
  state: StoreState | null,
  row: InstallationState | undefined,
  walExists: boolean,
): void {
  const path = databaseFileIn(directory);
  const expectedStoreId = state?.store ?? null;
  if (expectedStoreId !== null && row?.store_id !== expectedStoreId) {
    throw new StartRefusedError(
      `${path} is not the database recorded in ${statePath(directory)}. Restore the database file that belongs to ${statePath(directory)}. ${ACCEPT_HINT}`,
    );
  }
  if (row === undefined) return;
  if (state !== null && row.starts < state.starts) {
    throw new StartRefusedError(
      `${path} is older than the previous file: credentials deleted since then would be accepted again. Restore the newer file. ${ACCEPT_HINT}`,
    );
  }
  if (row.clean === 0 && !walExists && state?.stopped !== row.starts) {
    throw new StartRefusedError(
      `${path}-wal is missing or damaged. The latest writes were only in that file, not in ${path}. Restore ${path}-wal. ${ACCEPT_HINT}`,
    );
  }
}

/**
 * Throws `StartRefusedError` if a data directory has lost part of its store. Changes neither the database nor an
 * existing log, but can create an empty log. Files up to 16 MiB are checked with `quick_check`; larger ones are checked
 * in the background after the start. A directory that never had a store passes.
 */
export function assertStoreComplete(directory: string): void {
  const path = databaseFileIn(directory);
  const state = readState(directory);
  // A crash during the creation can leave any contents, including a journal that must be rolled back.
  if (state?.store === null) return;
  if (readFileSize(path) === 0) {
    refuseLostFile(directory, state);
    return;
  }
  // Checked before the file is opened, because opening it creates an empty log if there is none.
  const walExists = hasWal(`${path}-wal`);
  refuseForeignOrStaleFile(directory, state, readStoreFile(path), walExists);
}

/** Accepts the current contents of the directory as the store. Removes an empty database file and its log. */
export function resetState(directory: string): void {
  const path = databaseFileIn(directory);
  if (readFileSize(path) === 0) for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  writeState(directory, { store: null, starts: 0 });
}

/** Records that a store is being created here, so that a crash during its creation does not count as data loss. */
export function recordCreation(directory: string): void {
  if (readFileSize(databaseFileIn(directory)) === 0 && readState(directory) === null)
    writeState(directory, { store: null, starts: 0 });
}

/** Returns whether a file is too large to be checked before the start. */
export const needsBackgroundCheck = (path: string): boolean => readFileSize(path) > MAX_STARTUP_CHECK_BYTES;

/** Sets `clean` in a consistent copy of the database, which has no log. */
export function markCopyClean(path: string): void {
  const database = new DatabaseSync(path);
  try {
    if (readInstallation(database) !== undefined) database.exec('update installation set clean = 1');
  } finally {
    database.close();
  }
}
