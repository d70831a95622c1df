import { setPriority } from 'node:os';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { openSqlite } from './sqlite-open.ts';
import type { Bindable } from './store.ts';

/** A statement sent by the main thread. */
export interface WorkerRequest {
  readonly id: number;
  readonly sql: string;
  readonly parameters: readonly Bindable[];
}

/** The response of this thread; `errcode` is SQLite's extended result code. */
export type WorkerResponse =
  | { readonly id: number; readonly rows: unknown[]; readonly changes: number }
  | { readonly id: number; readonly message: string; readonly errcode: number | null };

const MAX_CACHED_STATEMENTS = 256;
const { path, readOnly } = workerData as { path: string; readOnly: boolean };
const port = parentPort;
if (port === null) throw new Error('This file is the body of a worker thread.');

// Long reads yield to authorization decisions. On Linux, the priority applies to this thread only.
if (readOnly && process.platform === 'linux') setPriority(0, 19);

const database: DatabaseSync = openSqlite(path, readOnly);
const statements = new Map<string, StatementSync>();

function prepare(sql: string): StatementSync {
  let statement = statements.get(sql);
  if (statement === undefined) {
    if (statements.size >= MAX_CACHED_STATEMENTS) statements.clear();
    statements.set(sql, (statement = database.prepare(sql)));
  }
  return statement;
}

/**
 * Overwrites a commit whose fsync failed with a commit that changes nothing. The log can contain the whole failed
 * commit. If the process were killed before its next write, SQLite would recover that commit although it was reported
 * as failed.
 */
function overwriteFailedCommit(): void {
  try {
    if (database.isTransaction) database.exec('rollback');
    const { user_version: version } = database.prepare('pragma user_version').get() as { user_version: number };
    // Unlike an update to the same value, this always writes a page.
    database.exec(`pragma user_version = ${version}`);
  } catch {
    // This commit is in the log even if its own fsync fails.
  }
}

function execute({ id, sql, parameters }: WorkerRequest): WorkerResponse {
  try {
    const statement = prepare(sql);
    if (statement.columns().length > 0) return { id, rows: statement.all(...parameters), changes: 0 };
    return { id, rows: [], changes: Number(statement.run(...parameters).changes) };
  } catch (error) {
    const { message, errcode } = error as { message: string; errcode?: number };
    if (sql === 'commit') overwriteFailedCommit();
    return { id, message, errcode: errcode ?? null };
  }
}

port.on('message', (request: WorkerRequest | 'close') => {
  if (request === 'close') {
    database.close();
    port.close();
    return;
  }
  port.postMessage(execute(request));
});
