import { type Kysely, PostgresAdapter, type Transaction } from 'kysely';
import type { PoolUsage } from './postgres-pool.ts';
import type { Schema } from './schema.ts';

/** The handle for statements inside a transaction. */
export type Trx = Transaction<Schema>;
/** Where a read can run: the store itself or a transaction. */
export type Queryable = Kysely<Schema> | Trx;

/** A value that can be bound to a statement. */
export type Bindable = null | number | bigint | string | Uint8Array;

/** A query for a row by a unique column of bytes, `key`. The strings are inserted into SQL unescaped. */
export interface KeyedLookup {
  /** Used in the names of prepared statements instead of `table`, if `table` is more than the name of a table. */
  readonly name?: string;
  readonly table: string;
  readonly columns: string;
  readonly key: string;
}

/**
 * A database with the tables of `Schema`. Reads and transactions reject with `unavailable` when the database cannot be
 * reached.
 */
export interface Store {
  readonly engine: 'sqlite' | 'postgres';
  /** For reads outside a transaction. They see only committed transactions. */
  readonly read: Kysely<Schema>;
  /**
   * Runs `work` in one transaction: when this resolves, everything is durable; when it rejects, nothing was changed,
   * unless the connection was lost during the commit. `work` runs again if PostgreSQL rolls the
   * transaction back, for example because of a conflict with another transaction.
   */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
  /**
   * Looks up a row by its key on the hot path; returns undefined if there is none. Lookups made while the database is
   * busy can share one query.
   */
  lookUp<Row>(lookup: KeyedLookup, key: Uint8Array): Promise<Row | undefined>;
  /**
   * Returns the first row of a prepared statement with `?` placeholders, over a connection reserved for authorization.
   */
  queryFirst<Row>(statement: string, parameters: readonly Bindable[]): Promise<Row | undefined>;
  /** A sentence describing why the contents must not be trusted; null while no damage is known. */
  fault?(): string | null;
  /** The usage of each connection pool, if the engine has pools. */
  poolUsage?(): Readonly<Record<string, PoolUsage>>;
  /** Whether only essential writes are accepted, such as deletions and sign-ins, because the disk is full. */
  isDiskFull?(): boolean;
  /** Bytes reserved on the disk for essential writes when it is full. */
  reserveBytes?(): number;
  close(): Promise<void>;
}

/** Returns the engine of a store (`Store.read`) or a transaction. */
export function engineOf(db: Queryable): Store['engine'] {
  return db.getExecutor().adapter instanceof PostgresAdapter ? 'postgres' : 'sqlite';
}

interface Lockable {
  forUpdate(of?: never): this;
}

/**
 * Locks the rows of a query until the transaction ends, so that they cannot change after the transaction has read them.
 * The embedded store has one writer and needs no locks.
 */
export function withRowLock<Query extends Lockable>(trx: Queryable, query: Query, table: string): Query {
  return engineOf(trx) === 'postgres' ? query.forUpdate(table as never) : query;
}

/** Extended result codes of SQLite. */
const SQLITE_CONSTRAINT_UNIQUE = 2067;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
/** Error code of PostgreSQL. */
const UNIQUE_VIOLATION = '23505';

/** Returns whether a store rejected a row because of a unique constraint. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  return errcode === SQLITE_CONSTRAINT_UNIQUE || errcode === SQLITE_CONSTRAINT_PRIMARYKEY || code === UNIQUE_VIOLATION;
}
