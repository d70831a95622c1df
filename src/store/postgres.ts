import { setTimeout as pause } from 'node:timers/promises';
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';
import { SECOND } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { type BatchedLookups, createBatchedLookups } from './batched-lookups.ts';
import { assertBindable } from './bind-values.ts';
import { migrate } from './migrate.ts';
import { beginStatementFor, type ConnectionTimeouts, isStatementOutdated, queryConfigFor } from './postgres-connect.ts';
import { ConnectError, describeConnectError } from './postgres-connect-error.ts';
import {
  type BoundedPool,
  createPool,
  isConnectionLost,
  isIdleTimeoutError,
  isRolledBack,
  resolveFailureCause,
  toStoreError,
} from './postgres-pool.ts';
import type { Schema } from './schema.ts';
import { StartRefusedError } from './start-refused-error.ts';
import type { Bindable, KeyedLookup, Store } from './store.ts';

const WORK_TIMEOUTS: ConnectionTimeouts = { connectMs: 4 * SECOND, statementMs: 15 * SECOND, responseMs: 20 * SECOND };
const LOOKUP_TIMEOUTS: ConnectionTimeouts = { connectMs: 2 * SECOND, statementMs: 2 * SECOND, responseMs: 3 * SECOND };
/** For commands that read the whole database. */
const LONG_TIMEOUTS: ConnectionTimeouts = {
  connectMs: 10 * SECOND,
  statementMs: 600 * SECOND,
  responseMs: 600 * SECOND,
};
/** Each node has up to these 14 connections, four for leases (`node-leases.ts`) and one in `revocation-listener.ts`. */
const WORK_CONNECTIONS = 8;
const LOOKUP_CONNECTIONS = 6;
const MAX_WAITING_WORK = 500;
const MAX_WAITING_LOOKUPS = 2_000;
/** Maximum attempts of a transaction that the server rolls back. */
const MAX_ATTEMPTS = 5;
/**
 * Maximum attempts of a transaction in which this process exceeded the idle limit. The process is then overloaded, and
 * more attempts would add to the load.
 */
const MAX_ATTEMPTS_AFTER_IDLING = 2;
/** Approximate pause before the second attempt of such a transaction. */
const IDLE_PAUSE_MS = 200;

/** Returns an error unchanged if the transaction can be run again; maps other errors with `toStoreError`. */
const toTransactionError = (error: unknown): unknown => (isRolledBack(error) ? error : toStoreError(error));

/** Wraps a pool for kysely: discards broken connections and reports their errors as `unavailable`. */
function poolForKysely(pool: BoundedPool, timeouts: ConnectionTimeouts): PostgresPool {
  return {
    options: {},
    end: pool.close,
    async connect() {
      const { client, release } = await pool.acquire();
      let connectionError: unknown;
      const checkedClient = {
        processID: 0,
        async query(sql: string, parameters: readonly unknown[]) {
          if (connectionError !== undefined) throw toTransactionError(connectionError);
          // kysely itself binds booleans when it reads the schema.
          for (const value of parameters) if (typeof value !== 'boolean') assertBindable(value);
          try {
            if (sql === 'begin') return await client.query(beginStatementFor(client, timeouts));
            return await client.query(sql, parameters as unknown[]);
          } catch (error) {
            const cause = resolveFailureCause(client, error);
            if (isConnectionLost(cause)) connectionError = cause;
            throw toTransactionError(cause);
          }
        },
        release: () => release(connectionError),
      };
      return checkedClient as unknown as PostgresPoolClient;
    },
  };
}

/** Replaces `?` by `$n`, for statements that are written once for both engines. */
function numberParameters(statement: string): string {
  let count = 0;
  return statement.replace(/\?/g, () => `$${++count}`);
}

/** Returns a function that names statements, so that a connection parses and plans each of them once. */
function createStatementCache(): (statement: string) => { name: string; text: string } {
  const prepared = new Map<string, { name: string; text: string }>();
  return (statement) => {
    let query = prepared.get(statement);
    if (query === undefined) {
      query = { name: `devpilot_${prepared.size}`, text: numberParameters(statement) };
      prepared.set(statement, query);
    }
    return query;
  };
}

/**
 * Refuses a database that acknowledges commits before they are on disk, because a crash could restore a deleted
 * credential.
 */
async function refuseAsynchronousCommit(pool: BoundedPool): Promise<void> {
  const { client, release } = await pool.acquire();
  try {
    const { rows } = await client.query<{ synchronous_commit: string }>('show synchronous_commit');
    release();
    if (rows[0]?.synchronous_commit !== 'off') return;
  } catch (error) {
    release(error);
    throw toStoreError(error);
  }
  throw new StartRefusedError(
    'DATABASE_URL: the database has synchronous_commit off. Deletions could be lost; set it to on.',
  );
}

/**
 * Maps an error with which a node cannot start on the database to `StartRefusedError`; returns other errors unchanged.
 */
function toStartError(error: unknown): unknown {
  const cause = error instanceof Problem ? error.cause : error;
  if (cause instanceof ConnectError) return new StartRefusedError(`DATABASE_URL: ${cause.message}`, { cause });
  const { code } = (cause ?? {}) as { code?: unknown };
  if (code !== '42501' && code !== '25006') return error;
  return new StartRefusedError(`DATABASE_URL: ${describeConnectError(cause)}`, { cause });
}

/**
 * Opens the PostgreSQL store and migrates it; any number of nodes can do so at the same time. Lookups have dedicated
 * connections, so that long-running work never delays an authorization decision. `onError` receives errors of idle
 * connections. Throws `StartRefusedError` if no usable database is found.
 */
export async function openPostgresStore(url: string, onError: (error: Error) => void): Promise<Store> {
  const workPool = createPool({
    url,
    connections: WORK_CONNECTIONS,
    maxWaiting: MAX_WAITING_WORK,
    timeouts: WORK_TIMEOUTS,
    onError,
  });
  const lookupPool = createPool({
    url,
    connections: LOOKUP_CONNECTIONS,
    maxWaiting: MAX_WAITING_LOOKUPS,
    timeouts: LOOKUP_TIMEOUTS,
    onError,
  });
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: poolForKysely(workPool, WORK_TIMEOUTS) }) });
  const prepare = createStatementCache();
  try {
    await refuseAsynchronousCommit(workPool);
    await migrate(db, 'postgres');
  } catch (error) {
    await Promise.all([workPool.close(), lookupPool.close()]);
    throw toStartError(error);
  }

  async function queryFirst<Row>(
    statement: string,
    parameters: readonly Bindable[],
    canRetry = true,
  ): Promise<Row | undefined> {
    const { client, release } = await lookupPool.acquire();
    try {
      const { rows } = await client.query(queryConfigFor(client, prepare(statement), [...parameters]));
      release();
      return rows[0] as Row | undefined;
    } catch (error) {
      release(error);
      if (canRetry && isStatementOutdated(error)) return queryFirst(statement, parameters, false);
      throw toStoreError(error);
    }
  }

  const lookupsByQuery = new Map<KeyedLookup, BatchedLookups>();
  function lookupsFor(lookup: KeyedLookup): BatchedLookups {
    let lookups = lookupsByQuery.get(lookup);
    if (lookups === undefined) {
      const bounds = {
        connections: LOOKUP_CONNECTIONS,
        maxWaiting: MAX_WAITING_LOOKUPS,
        maxWaitMs: LOOKUP_TIMEOUTS.connectMs,
      };
      lookups = createBatchedLookups(lookup, lookupPool, bounds);
      lookupsByQuery.set(lookup, lookups);
    }
    return lookups;
  }

  return {
    engine: 'postgres',
    read: db,
    async transaction(task) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await db.transaction().execute(task);
        } catch (error) {
          if (!isRolledBack(error)) throw error;
          const isIdleTimeout = isIdleTimeoutError(error);
          if (attempt >= (isIdleTimeout ? MAX_ATTEMPTS_AFTER_IDLING : MAX_ATTEMPTS)) throw toStoreError(error);
          if (isIdleTimeout) await pause(IDLE_PAUSE_MS * (0.5 + Math.random()));
        }
      }
    },
    lookUp: (lookup, key) => lookupsFor(lookup).find(key),
    queryFirst: (statement, parameters) => queryFirst(statement, parameters),
    poolUsage: () => ({ work: workPool.usage(), look_up: lookupPool.usage() }),
    async close() {
      for (const lookups of lookupsByQuery.values()) lookups.close();
      await Promise.all([workPool.close(), lookupPool.close()]);
    },
  };
}

/** Opens the database for reading, with timeouts long enough to read all of it. */
export function openPostgresReader(url: string): Kysely<Schema> {
  const pool = createPool({ url, connections: 1, maxWaiting: 1, timeouts: LONG_TIMEOUTS, onError: () => undefined });
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: poolForKysely(pool, LONG_TIMEOUTS) }) });
}
