import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';
import { SECOND } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { type BatchedLookups, createBatchedLookups } from './batched-lookups.ts';
import { assertBindable } from './bind-values.ts';
import { migrate } from './migrate.ts';
import {
  beginStatementFor,
  type ConnectionTimeouts,
  noteLostStatementName,
  queryConfigFor,
} from './postgres-connect.ts';
import { ConnectError, describeConnectError } from './postgres-connect-error.ts';
import {
  type BoundedPool,
  createPool,
  isConnectionLost,
  isSerializationFailure,
  toStoreError,
} from './postgres-pool.ts';
import type { Schema } from './schema.ts';
import { StartRefusedError } from './start-refused-error.ts';
import type { Bindable, KeyedLookup, Store } from './store.ts';

const WORK_TIMEOUTS: ConnectionTimeouts = { connectMs: 4 * SECOND, statementMs: 15 * SECOND, answerMs: 20 * SECOND };
const LOOKUP_TIMEOUTS: ConnectionTimeouts = { connectMs: 2 * SECOND, statementMs: 2 * SECOND, answerMs: 3 * SECOND };
/** For commands that read everything. */
const LONG_TIMEOUTS: ConnectionTimeouts = { connectMs: 10 * SECOND, statementMs: 600 * SECOND, answerMs: 600 * SECOND };
/** Connections of one node: these 14, and five for leases and wake-ups (`nodes.ts`). */
const WORK_CONNECTIONS = 8;
const LOOKUP_CONNECTIONS = 6;
const MAX_WAITING_WORK = 500;
const MAX_WAITING_LOOKUPS = 2_000;
/** How often a transaction is done anew that collided with another. */
const MAX_ATTEMPTS = 5;

/** A pool as kysely takes it, which throws away connections that broke, and speaks of them as `unavailable`. */
function poolForKysely(pool: BoundedPool, timeouts: ConnectionTimeouts): PostgresPool {
  return {
    options: {},
    end: pool.close,
    async connect() {
      const { client, release } = await pool.acquire();
      let connectionError: Error | undefined;
      const checkedClient = {
        processID: 0,
        async query(sql: string, parameters: readonly unknown[]) {
          if (connectionError !== undefined) throw toStoreError(connectionError);
          // Booleans are kysely's own, when it looks for its tables.
          for (const value of parameters) if (typeof value !== 'boolean') assertBindable(value);
          try {
            if (sql === 'begin') return await client.query(beginStatementFor(client, timeouts));
            return await client.query(sql, parameters as unknown[]);
          } catch (error) {
            if (isConnectionLost(error)) connectionError = error as Error;
            // Collisions pass as they are, so that the transaction can be done anew.
            throw isSerializationFailure(error) ? error : toStoreError(error);
          }
        },
        release: () => release(connectionError),
      };
      return checkedClient as unknown as PostgresPoolClient;
    },
  };
}

/** `?` to `$n`, for statements that are written once for every engine. */
function numberParameters(statement: string): string {
  let count = 0;
  return statement.replace(/\?/g, () => `$${++count}`);
}

/** Statements by a name each, so that a connection parses and plans them once. */
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

/** A commit that is not on disk when it is answered could bring a deleted credential back. */
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

/** Why a node can't start on the database; anything that is no failure to reach or use it, as it came. */
function toStartError(error: unknown): unknown {
  const cause = error instanceof Problem ? error.cause : error;
  if (cause instanceof ConnectError) return new StartRefusedError(`DATABASE_URL: ${cause.message}`, { cause });
  const { code } = (cause ?? {}) as { code?: unknown };
  if (code !== '42501' && code !== '25006') return error;
  return new StartRefusedError(`DATABASE_URL: ${describeConnectError(cause)}`, { cause });
}

/**
 * Opens the PostgreSQL store and brings its tables up to date; any number of nodes may do so at once.
 * Look-ups have connections of their own, so that long work never holds up a judgement.
 * `onError` is told of idle connections that broke. Throws `StartRefusedError` where there is no database that can be used.
 */
export async function openPostgresStore(url: string, onError: (error: Error) => void): Promise<Store> {
  const work = createPool({
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
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: poolForKysely(work, WORK_TIMEOUTS) }) });
  const prepare = createStatementCache();
  try {
    await refuseAsynchronousCommit(work);
    await migrate(db, 'bytea');
  } catch (error) {
    await Promise.all([work.close(), lookupPool.close()]);
    throw toStartError(error);
  }

  async function first<Row>(
    statement: string,
    parameters: readonly Bindable[],
    mayRetry = true,
  ): Promise<Row | undefined> {
    const { client, release } = await lookupPool.acquire();
    try {
      const { rows } = await client.query(queryConfigFor(client, prepare(statement), [...parameters]));
      release();
      return rows[0] as Row | undefined;
    } catch (error) {
      release(error);
      // A migration changed what the kept plan gives back (0A000): a fresh connection plans it anew.
      if (mayRetry && (noteLostStatementName(error) || (error as { code?: unknown }).code === '0A000'))
        return first(statement, parameters, false);
      throw toStoreError(error);
    }
  }

  const byKey = new Map<KeyedLookup, BatchedLookups>();
  function lookupsFor(rows: KeyedLookup): BatchedLookups {
    let lookUps = byKey.get(rows);
    if (lookUps === undefined) {
      const bounds = {
        connections: LOOKUP_CONNECTIONS,
        waiting: MAX_WAITING_LOOKUPS,
        patience: LOOKUP_TIMEOUTS.connectMs,
      };
      byKey.set(rows, (lookUps = createBatchedLookups(rows, lookupPool, bounds)));
    }
    return lookUps;
  }

  return {
    engine: 'postgres',
    read: db,
    async transaction(task) {
      for (let attemptsLeft = MAX_ATTEMPTS; ; attemptsLeft--) {
        try {
          return await db.transaction().execute(task);
        } catch (error) {
          if (!isSerializationFailure(error)) throw error;
          if (attemptsLeft === 1) throw toStoreError(error);
        }
      }
    },
    lookUp: (rows, key) => lookupsFor(rows).find(key),
    queryFirst: (statement, parameters) => first(statement, parameters),
    poolUsage: () => ({ work: work.usage(), look_up: lookupPool.usage() }),
    async close() {
      for (const lookUps of byKey.values()) lookUps.close();
      await Promise.all([work.close(), lookupPool.close()]);
    },
  };
}

/** Opens the database for reading alone, with time enough to read all of it. */
export function openPostgresReader(url: string): Kysely<Schema> {
  const pool = createPool({ url, connections: 1, maxWaiting: 1, timeouts: LONG_TIMEOUTS, onError: () => undefined });
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: poolForKysely(pool, LONG_TIMEOUTS) }) });
}
