import { DatabaseSync } from 'node:sqlite';

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const DAMAGE_RESULT_CODES = [11, 26];

/** Returns whether an extended result code means that a file is damaged or is not a database. */
export const isDamage = (errcode: number | null): boolean =>
  errcode !== null && DAMAGE_RESULT_CODES.includes(errcode & 0xff);

/**
 * Opens the database file with the settings that every connection needs: WAL, `synchronous=FULL`, foreign keys on.
 * FULL is set and verified on each connection, because the database does not store it and some builds of SQLite default
 * to NORMAL, with which a power loss can restore a deleted credential.
 */
export function openSqlite(path: string, readOnly: boolean): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly });
  // Use counts are scattered over the file, so with the small default page cache, each page would be written several
  // times. Under load, the file lags behind the log by at most 8 MB; when idle, it is checkpointed every few seconds.
  if (!readOnly)
    // `secure_delete = fast` overwrites deleted and replaced data in pages that are written anyway.
    database.exec(
      'pragma secure_delete = fast; pragma journal_mode = wal; pragma cache_size = -16000; pragma wal_autocheckpoint = 2000',
    );
  database.exec('pragma synchronous = full; pragma foreign_keys = on; pragma busy_timeout = 5000');
  const synchronous = database.prepare('pragma synchronous').get()?.['synchronous'];
  if (synchronous !== 2) throw new Error('SQLite does not accept synchronous=FULL.');
  return database;
}
