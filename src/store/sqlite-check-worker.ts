import { setPriority } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { isDamage } from './sqlite-open.ts';

/** `path` is the file to check. The check stops when the number in `stop` is not 0. */
const { path, stop } = workerData as { path: string; stop: Int32Array };
const port = parentPort;
if (port === null) throw new Error('This file is the body of a worker thread.');
if (process.platform === 'linux') setPriority(0, 19);

/**
 * Reads every table and every index except partial indexes, at the lowest priority. Returns a description of
 * the damage; null if none was found or the check did not finish. `pragma quick_check` would check more but cannot be
 * interrupted; this check can be stopped at every row.
 */
function check(): string | null {
  const database = new DatabaseSync(path, { readOnly: true });
  let isStopped = false;
  database.exec('pragma cell_size_check = on; pragma busy_timeout = 5000');
  database.function('keep_going', () => {
    if (Atomics.load(stop, 0) === 0) return 1;
    isStopped = true;
    throw new Error('stopped');
  });
  try {
    const tablesAndIndexes = database
      .prepare("select type, name, tbl_name, sql from sqlite_schema where type in ('table', 'index') and rootpage > 0")
      .all();
    for (const { type, name, tbl_name, sql } of tablesAndIndexes) {
      // A partial index cannot be used to read all rows.
      if (type === 'index' && / where /i.test(String(sql ?? ''))) continue;
      const indexClause = type === 'table' ? 'not indexed' : `indexed by "${name}"`;
      database.prepare(`select count(keep_going()) from "${tbl_name}" ${indexClause}`).get();
    }
    return null;
  } catch (error) {
    const { message, errcode = null } = error as { message: string; errcode?: number };
    return !isStopped && isDamage(errcode) ? message : null;
  } finally {
    database.close();
  }
}

port.postMessage(check());
