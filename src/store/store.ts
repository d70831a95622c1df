import { type Kysely, PostgresAdapter, type Transaction } from 'kysely';
import type { PoolUsage } from './postgres-pool.ts';
import type { Schema } from './schema.ts';

/** Inside a transaction. */
export type Trx = Transaction<Schema>;
/** Where a read can be made: the store at large or inside a transaction. */
export type Queryable = Kysely<Schema> | Trx;

/** A value that may be bound to a statement. */
export type Bindable = null | number | bigint | string | Uint8Array;

/** Rows of a table by a column of bytes that is unique in it. The words go into statements as they are. */
export interface KeyedLookup {
  readonly table: string;
  readonly columns: string;
  readonly key: string;
}

/**
 * A database with our tables in it. Every method rejects with `unavailable` when it can't be reached.
 */
export interface Store {
  readonly engine: 'sqlite' | 'postgres';
  /** For reads that see whole transactions and nothing half done. */
  readonly read: Kysely<Schema>;
  /** Runs `work` in one transaction: all of it is there and on disk when this resolves, or none of it. */
  transaction<T>(work: (trx: Trx) => Promise<T>): Promise<T>;
  /** The hot look-up: the row of a key. What asks while the database is busy may be answered by one query. */
  lookUp<Row>(rows: KeyedLookup, key: Uint8Array): Promise<Row | undefined>;
  /** The first row of a prepared statement with `?` for its parameters, on a connection kept for judging. */
  queryFirst<Row>(statement: string, parameters: readonly Bindable[]): Promise<Row | undefined>;
  /** Why what is in it must not be trusted, in a sentence; null while nothing is known against it. */
  fault?(): string | null;
  /** The use of each pool of connections, where there are pools. */
  poolUsage?(): Readonly<Record<string, PoolUsage>>;
  /** Whether only what ends access is written, for want of room on the disk. */
  diskFull?(): boolean;
  /** Bytes kept on the disk for when it is full. */
  reserveBytes?(): number;
  close(): Promise<void>;
}

/** Which engine a read or a transaction is on. */
export function engineOf(db: Queryable): Store['engine'] {
  return db.getExecutor().adapter instanceof PostgresAdapter ? 'postgres' : 'sqlite';
}

interface Lockable {
  forUpdate(of?: never): this;
}

/**
 * Locks the rows that a query reads until the transaction ends, so that nothing comes between the
 * check and the use (ASVS 15.4.2). The embedded store has one writer and needs no locks.
 */
export function withRowLock<Query extends Lockable>(trx: Queryable, query: Query, of: string): Query {
  return engineOf(trx) === 'postgres' ? query.forUpdate(of as never) : query;
}

/** Tells whether a store refused a row because one like it is there. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  return errcode === 2067 || errcode === 1555 || code === '23505';
}
