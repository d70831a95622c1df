import { DatabaseSync } from 'node:sqlite';

/**
 * Opens the database file as every connection of ours must: WAL, `synchronous=FULL`, foreign keys on.
 * FULL is set and asserted at each open, because a WAL file reopened by another library falls back to
 * NORMAL, which can bring a deleted credential back after a loss of power.
 */
export function openSqlite(path: string, readOnly: boolean): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly });
  // Uses are written all over the file: with the small standard cache each page went out several times. Under load the
  // file alone is 8 MB behind; at rest it is brought up to date every few seconds.
  if (!readOnly)
    // `secure_delete`: what is deleted or replaced does not stay readable in the file.
    database.exec(
      'pragma secure_delete = fast; pragma journal_mode = wal; pragma cache_size = -16000; pragma wal_autocheckpoint = 2000',
    );
  database.exec('pragma synchronous = full; pragma foreign_keys = on; pragma busy_timeout = 5000');
  const synchronous = database.prepare('pragma synchronous').get()?.['synchronous'];
  if (synchronous !== 2) throw new Error('SQLite does not accept synchronous=FULL.');
  return database;
}
