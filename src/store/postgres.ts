import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';
import { Problem } from '../contract/problem.ts';
import { SECOND } from '../contract/words.ts';
import { checkBindable } from './bindable.ts';
import { createLookUps, type LookUps } from './look-ups.ts';
import { migrate } from './migrate.ts';
import { beginOn, lostItsName, type Patience, statementOn } from './postgres-connect.ts';
import { ConnectFailure, reasonOf } from './postgres-failure.ts';
import { type BoundedPool, createPool, isCollision, isConnectionLost, storeError } from './postgres-pool.ts';
import type { Schema } from './schema.ts';
import { StartRefused } from './start-refused.ts';
import type { Bindable, KeyedRows, Store } from './store.ts';

const WORK: Patience = { connect: 4 * SECOND, statement: 15 * SECOND, answer: 20 * SECOND };
const LOOK_UP: Patience = { connect: 2 * SECOND, statement: 2 * SECOND, answer: 3 * SECOND };
/** For commands that read everything. */
const LONG: Patience = { connect: 10 * SECOND, statement: 600 * SECOND, answer: 600 * SECOND };
/** Connections of one node: these 14, and five for leases and wake-ups (`nodes.ts`). */
const WORK_CONNECTIONS = 8;
const LOOK_UP_CONNECTIONS = 6;
const WORK_WAITING = 500;
const LOOK_UP_WAITING = 2_000;
/** How often a transaction is done anew that collided with another. */
const TRIES = 5;

/** A pool as kysely takes it, which throws away connections that broke, and speaks of them as `unavailable`. */
function poolForKysely(pool: BoundedPool, patience: Patience): PostgresPool {
  return {
    options: {},
    end: pool.end,
    async connect() {
      const { client, release } = await pool.take();
      let lost: Error | undefined;
      const guarded = {
        processID: 0,
        async query(sql: string, parameters: readonly unknown[]) {
          if (lost !== undefined) throw storeError(lost);
          // Booleans are kysely's own, when it looks for its tables.
          for (const value of parameters) if (typeof value !== 'boolean') checkBindable(value);
          try {
            if (sql === 'begin') return await client.query(beginOn(client, patience));
            return await client.query(sql, parameters as unknown[]);
          } catch (error) {
            if (isConnectionLost(error)) lost = error as Error;
            // Collisions pass as they are, so that the transaction can be done anew.
            throw isCollision(error) ? error : storeError(error);
          }
        },
        release: () => release(lost),
      };
      return guarded as unknown as PostgresPoolClient;
    },
  };
}

/** `?` to `$n`, for statements that are written once for every engine. */
function numbered(statement: string): string {
  let count = 0;
  return statement.replace(/\?/g, () => `$${++count}`);
}

/** Statements by a name each, so that a connection parses and plans them once. */
function createPrepared(): (statement: string) => { name: string; text: string } {
  const prepared = new Map<string, { name: string; text: string }>();
  return (statement) => {
    let query = prepared.get(statement);
    if (query === undefined) {
      query = { name: `devpilot_${prepared.size}`, text: numbered(statement) };
      prepared.set(statement, query);
    }
    return query;
  };
}

/** A commit that is not on disk when it is answered could bring a deleted credential back. */
async function refuseAsynchronousCommit(pool: BoundedPool): Promise<void> {
  const { client, release } = await pool.take();
  try {
    const { rows } = await client.query<{ synchronous_commit: string }>('show synchronous_commit');
    release();
    if (rows[0]?.synchronous_commit !== 'off') return;
  } catch (error) {
    release(error);
    throw storeError(error);
  }
  throw new StartRefused(
    'DATABASE_URL: the database has synchronous_commit off. Deletions could be lost; set it to on.',
  );
}

/** Why a node can't start on the database; anything that is no failure to reach or use it, as it came. */
function startError(error: unknown): unknown {
  const cause = error instanceof Problem ? error.cause : error;
  if (cause instanceof ConnectFailure) return new StartRefused(`DATABASE_URL: ${cause.message}`, { cause });
  const { code } = (cause ?? {}) as { code?: unknown };
  if (code !== '42501' && code !== '25006') return error;
  return new StartRefused(`DATABASE_URL: ${reasonOf(cause)}`, { cause });
}

/**
 * Opens the PostgreSQL store and brings its tables up to date; any number of nodes may do so at once.
 * Look-ups have connections of their own, so that long work never holds up a judgement.
 * `onError` is told of idle connections that broke. Throws `StartRefused` where there is no database that can be used.
 */
export async function openPostgresStore(url: string, onError: (error: Error) => void): Promise<Store> {
  const work = createPool({
    url,
    connections: WORK_CONNECTIONS,
    waiting: WORK_WAITING,
    patience: WORK,
    onError,
  });
  const hot = createPool({
    url,
    connections: LOOK_UP_CONNECTIONS,
    waiting: LOOK_UP_WAITING,
    patience: LOOK_UP,
    onError,
  });
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: poolForKysely(work, WORK) }) });
  const prepare = createPrepared();
  try {
    await refuseAsynchronousCommit(work);
    await migrate(db, 'bytea');
  } catch (error) {
    await Promise.all([work.end(), hot.end()]);
    throw startError(error);
  }

  async function first<Row>(
    statement: string,
    parameters: readonly Bindable[],
    again = true,
  ): Promise<Row | undefined> {
    const { client, release } = await hot.take();
    try {
      const { rows } = await client.query(statementOn(client, prepare(statement), [...parameters]));
      release();
      return rows[0] as Row | undefined;
    } catch (error) {
      release(error);
      // A migration changed what the kept plan gives back (0A000): a fresh connection plans it anew.
      if (again && (lostItsName(error) || (error as { code?: unknown }).code === '0A000'))
        return first(statement, parameters, false);
      throw storeError(error);
    }
  }

  const byKey = new Map<KeyedRows, LookUps>();
  function lookUpsOf(rows: KeyedRows): LookUps {
    let lookUps = byKey.get(rows);
    if (lookUps === undefined) {
      const bounds = { connections: LOOK_UP_CONNECTIONS, waiting: LOOK_UP_WAITING, patience: LOOK_UP.connect };
      byKey.set(rows, (lookUps = createLookUps(rows, hot, bounds)));
    }
    return lookUps;
  }

  return {
    engine: 'postgres',
    read: db,
    async transaction(task) {
      for (let left = TRIES; ; left--) {
        try {
          return await db.transaction().execute(task);
        } catch (error) {
          if (!isCollision(error)) throw error;
          if (left === 1) throw storeError(error);
        }
      }
    },
    lookUp: (rows, key) => lookUpsOf(rows).find(key),
    first: (statement, parameters) => first(statement, parameters),
    pools: () => ({ work: work.figures(), look_up: hot.figures() }),
    async close() {
      for (const lookUps of byKey.values()) lookUps.end();
      await Promise.all([work.end(), hot.end()]);
    },
  };
}

/** Opens the database for reading alone, with time enough to read all of it. */
export function openPostgresReader(url: string): Kysely<Schema> {
  const pool = createPool({ url, connections: 1, waiting: 1, patience: LONG, onError: () => undefined });
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: poolForKysely(pool, LONG) }) });
}
