import pg from 'pg';
import { SECOND } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { type ConnectionTimeouts, createPostgresServers } from './postgres-connect.ts';
import { createWaitQueue, storeUnavailable, type Waiter } from './wait-queue.ts';

export interface PoolOptions {
  readonly url: string;
  readonly connections: number;
  /** Requests that may wait for a connection; whoever comes after them is refused at once. */
  readonly maxWaiting: number;
  readonly timeouts: ConnectionTimeouts;
  readonly onError: (error: Error) => void;
}

const IDLE_TIMEOUT_MS = 60 * SECOND;
/** After a connection that could not be made nobody tries for about so long, a different span each time; milliseconds. */
export const RECONNECT_PAUSE_MS = 100;

/** A plan that was kept changed, a statement's name is lost or another's, and a server that takes no writes any more. */
const DISCARD_CONNECTION_CODES = new Set(['0A000', '26000', '42P05', '25006']);

/** Tells whether the connection is of no use after this error: it broke, or nobody knows what it is doing. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return error.severity === 'FATAL' || error.severity === 'PANIC' || DISCARD_CONNECTION_CODES.has(error.code ?? '');
}

/** The server is busy, going away, full, read-only or was too slow: classes 08, 53, 57 and single codes. */
const UNAVAILABLE_CODES = /^(?:08|53|57)|^(?:55P03|25P03|25006|40001|40P01)$/;

/** Two transactions got in each other's way; doing one of them again is right. */
export function isSerializationFailure(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === '40001' || code === '40P01';
}

/** What the driver threw, as the house speaks of it: `unavailable` where the database can't be asked now. */
export function toStoreError(error: unknown): Error {
  if (error instanceof Problem) return error;
  if (error instanceof pg.DatabaseError) {
    const { code = '' } = error;
    if (code === '22021') return new Problem('validation_failed', 'A NUL character cannot be stored.');
    if (!UNAVAILABLE_CODES.test(code)) return error;
  }
  return storeUnavailable(error);
}

/** A connection taken from the pool; give it back with the error that it met, if any. */
export interface AcquiredConnection {
  readonly client: pg.PoolClient;
  release(error?: unknown): void;
}

export interface PoolUsage {
  /** Connections that are used or being made. */
  readonly used: number;
  /** The most there may be. */
  readonly max: number;
  /** Requests that wait for one. */
  readonly waiting: number;
}

export interface BoundedPool {
  usage(): PoolUsage;
  /** Throws `unavailable` at once when too many wait or one could not be made just now, and when none is to be had in time. */
  acquire(): Promise<AcquiredConnection>;
  close(): Promise<void>;
}

/** Given a connection, or null for the right to make one. */
interface PoolWaiter extends Waiter {
  readonly resolve: (client: pg.PoolClient | null) => void;
}

/** A pool in which neither the waiting, nor the line of those who wait, nor the tries to connect grow without bound. */
export function createPool({ url, connections, maxWaiting, timeouts, onError }: PoolOptions): BoundedPool {
  const servers = createPostgresServers(url);
  const pool = new pg.Pool({
    ...servers.options(timeouts),
    max: connections,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
  });
  let ending = false;
  /** Connections that are used or being made; the pool's own line, in which each would try to connect, stays empty. */
  let inUse = 0;
  const queue = createWaitQueue<PoolWaiter>(maxWaiting, timeouts.connectMs);
  /** Until when nobody tries to connect; `performance.now()`. */
  let reconnectAfterMs = 0;
  pool.on('error', (error) => {
    if (!ending) onError(error);
  });
  // A connection that breaks while it is taken tells its holder by the query that fails.
  pool.on('connect', (client) => client.on('error', () => undefined));

  /** Hands on a connection, or the right to make one; to nobody if nobody waits, which is said. */
  function handOver(client: pg.PoolClient | null): boolean {
    const next = queue.dequeue();
    next?.resolve(client);
    return next !== undefined;
  }

  function returnClient(client: pg.PoolClient, isLost: boolean): void {
    if (!isLost && handOver(client)) return;
    client.release(isLost);
    if (!handOver(null)) inUse--;
  }

  async function connect(): Promise<pg.PoolClient> {
    // Many nodes under load must not be what keeps a database from coming back.
    if (performance.now() < reconnectAfterMs && pool.idleCount === 0) throw storeUnavailable();
    try {
      return await (pool.idleCount > 0 ? pool.connect() : servers.connect(() => pool.connect()));
    } catch (error) {
      reconnectAfterMs = performance.now() + RECONNECT_PAUSE_MS * (0.5 + Math.random());
      throw toStoreError(error);
    }
  }

  return {
    usage: () => ({ used: inUse, max: connections, waiting: queue.size() }),
    async acquire() {
      let handedClient: pg.PoolClient | null = null;
      if (inUse < connections) inUse++;
      else
        handedClient = await new Promise<pg.PoolClient | null>((resolve, reject) => queue.enqueue({ resolve, reject }));
      try {
        const client = handedClient ?? (await connect());
        let isHeld = true;
        return {
          client,
          release(error) {
            if (!isHeld) throw new Error('A connection is given back once.');
            isHeld = false;
            returnClient(client, error !== undefined && isConnectionLost(error));
          },
        };
      } catch (error) {
        if (!handOver(null)) inUse--;
        throw error;
      }
    },
    close() {
      ending = true;
      queue.rejectAll(storeUnavailable());
      return pool.end();
    },
  };
}
