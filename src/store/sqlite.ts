import type { StatementSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { Problem } from '../contract/problem.ts';
import { assertBindable } from './bind-values.ts';
import { migrate } from './migrate.ts';
import type { Schema } from './schema.ts';
import { isDamage, openSqlite } from './sqlite-open.ts';
import type { WorkerRequest, WorkerResponse } from './sqlite-worker.ts';
import type { Bindable, Store } from './store.ts';

/**
 * Primary result codes for a file that cannot be read or written now: busy, locked, read-only, I/O, full, cannot open.
 */
const UNAVAILABLE_RESULT_CODES = new Set([5, 6, 8, 10, 13, 14]);

/** Maps an error to `unavailable` if the file cannot be read or written now; returns other errors unchanged. */
function toStoreError(error: SqliteError): Error {
  if (error.errcode === null || !UNAVAILABLE_RESULT_CODES.has(error.errcode & 0xff)) return error;
  return new Problem('unavailable', 'The database cannot be read or written at the moment.', {
    retryAfter: 1,
    cause: error,
  });
}

class SqliteError extends Error {
  readonly errcode: number | null;
  constructor(message: string, errcode: number | null) {
    super(message);
    this.name = 'SqliteError';
    this.errcode = errcode;
  }
}

/** One connection in a worker thread, so that an fsync never blocks an authorization decision. */
class SqliteThread implements DatabaseConnection {
  readonly #worker: Worker;
  readonly #pending = new Map<
    number,
    { resolve: (result: QueryResult<never>) => void; reject: (error: Error) => void }
  >();
  readonly #exited: Promise<void>;
  #nextId = 0;
  /** Why the thread ended; null while it runs. */
  #failure: Error | null = null;
  readonly #onDamage: (message: string) => void;

  constructor(path: string, readOnly: boolean, onDamage: (message: string) => void = () => undefined) {
    this.#onDamage = onDamage;
    const workerFile = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js';
    // Short-lived statements otherwise grow the young generation to about 40 MB per thread before it is collected.
    const resourceLimits = { maxYoungGenerationSizeMb: 8 };
    this.#worker = new Worker(new URL(workerFile, import.meta.url), { workerData: { path, readOnly }, resourceLimits });
    this.#worker.on('message', (response: WorkerResponse) => this.#complete(response));
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail(new Error('The database thread ended.'));
        resolve();
      });
    });
    // An idle thread must not keep the process alive. Must come last, because adding a message listener refs the
    // worker.
    this.#worker.unref();
  }

  #complete(response: WorkerResponse): void {
    const request = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ('message' in response) {
      if (isDamage(response.errcode)) this.#onDamage(response.message);
      request?.reject(toStoreError(new SqliteError(response.message, response.errcode)));
    } else request?.resolve({ rows: response.rows as never[], numAffectedRows: BigInt(response.changes) });
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    for (const value of parameters) assertBindable(value);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    const request: WorkerRequest = { id, sql, parameters: parameters as Bindable[] };
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (result: QueryResult<never>) => void, reject });
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
  }

  // biome-ignore lint/correctness/useYield: kysely requires a generator; nothing here streams
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('Streaming is not supported. Read pages instead.');
  }

  async close(): Promise<void> {
    this.#worker.ref();
    this.#worker.postMessage('close');
    await this.#exited;
  }
}

class SqliteThreadAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function threadDialect(thread: SqliteThread): Dialect {
  const driver: Driver = {
    init: () => Promise.resolve(),
    acquireConnection: () => Promise.resolve(thread),
    async beginTransaction(connection) {
      await connection.executeQuery(CompiledQuery.raw('begin immediate'));
    },
    async commitTransaction(connection) {
      await connection.executeQuery(CompiledQuery.raw('commit'));
    },
    async rollbackTransaction(connection) {
      try {
        await connection.executeQuery(CompiledQuery.raw('rollback'));
      } catch (error) {
        // A failed commit may already have been rolled back by SQLite.
        if (!(error instanceof SqliteError && error.message.includes('no transaction is active'))) throw error;
      }
    },
    releaseConnection: () => Promise.resolve(),
    destroy: () => thread.close(),
  };
  return {
    createAdapter: () => new SqliteThreadAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** The embedded store. */
export interface SqliteStore extends Store {
  /**
   * Checkpoints the write-ahead log: `passive` does as much as possible without waiting; `truncate` completes the
   * checkpoint and empties the log.
   */
  checkpoint(mode: 'passive' | 'truncate'): Promise<void>;
}

/**
 * Opens the embedded store and migrates it. One thread writes, one thread runs long reads, and lookups on the hot path
 * run on the calling thread over a third connection (4.5 µs each). The caller must ensure that no other process has the
 * file open.
 */
export async function openSqliteStore(path: string): Promise<SqliteStore> {
  let damage: string | null = null;
  const onDamage = (message: string) => {
    damage ??= message;
  };
  const writer = new Kysely<Schema>({ dialect: threadDialect(new SqliteThread(path, false, onDamage)) });
  await migrate(writer, 'sqlite');
  const reader = new SqliteThread(path, true, onDamage);
  const read = new Kysely<Schema>({ dialect: threadDialect(reader) });
  const lookupDatabase = openSqlite(path, true);
  const statements = new Map<string, StatementSync>();

  function readFirst<Row>(statement: string, parameters: readonly Bindable[]): Row | undefined {
    let prepared = statements.get(statement);
    if (prepared === undefined) {
      prepared = lookupDatabase.prepare(statement);
      statements.set(statement, prepared);
    }
    return prepared.get(...parameters) as Row | undefined;
  }

  return {
    engine: 'sqlite',
    read,
    transaction: (work) => writer.transaction().execute(work),
    queryFirst: async (statement, parameters) => readFirst(statement, parameters),
    lookUp: async ({ table, columns, key }, value) =>
      readFirst(`select ${columns} from ${table} where ${key} = ?`, [value]),
    fault: () => (damage === null ? null : `The store is damaged (${damage}): restore a backup.`),
    async checkpoint(mode) {
      await writer.executeQuery(CompiledQuery.raw(`pragma wal_checkpoint(${mode})`));
    },
    async close() {
      statements.clear();
      lookupDatabase.close();
      // The writer closes last, which checkpoints the write-ahead log into the file.
      await reader.close();
      await writer.destroy();
    },
  };
}

/**
 * Opens an existing file for reading only. A Devpilot server can use the file at the same time. Close it with
 * `destroy`.
 */
export function openSqliteReader(path: string): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: threadDialect(new SqliteThread(path, true)) });
}
