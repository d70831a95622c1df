import { setPriority } from 'node:os';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { openSqlite } from './sqlite-open.ts';
import type { Bindable } from './store.ts';

/** What the main thread asks of this one. */
export interface Ask {
  readonly id: number;
  readonly sql: string;
  readonly parameters: readonly Bindable[];
}

/** What this thread answers; `errcode` is SQLite's extended result code. */
export type Answer =
  | { readonly id: number; readonly rows: unknown[]; readonly changes: number }
  | { readonly id: number; readonly message: string; readonly errcode: number | null };

const STATEMENTS_KEPT = 256;
const { path, readOnly } = workerData as { path: string; readOnly: boolean };
const port = parentPort;
if (port === null) throw new Error('This file is the body of a worker thread.');

// What may take long gives way to judgements. On Linux this is of the thread alone.
if (readOnly && process.platform === 'linux') setPriority(0, 19);

const database: DatabaseSync = openSqlite(path, readOnly);
const statements = new Map<string, StatementSync>();

function prepare(sql: string): StatementSync {
  let statement = statements.get(sql);
  if (statement === undefined) {
    if (statements.size >= STATEMENTS_KEPT) statements.clear();
    statements.set(sql, (statement = database.prepare(sql)));
  }
  return statement;
}

function answer({ id, sql, parameters }: Ask): Answer {
  try {
    const statement = prepare(sql);
    if (statement.columns().length > 0) return { id, rows: statement.all(...parameters), changes: 0 };
    return { id, rows: [], changes: Number(statement.run(...parameters).changes) };
  } catch (error) {
    const { message, errcode } = error as { message: string; errcode?: number };
    return { id, message, errcode: errcode ?? null };
  }
}

port.on('message', (ask: Ask | 'close') => {
  if (ask === 'close') {
    database.close();
    port.close();
    return;
  }
  port.postMessage(answer(ask));
});
