import pg from 'pg';
import { SECOND } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { type ConnectionTimeouts, createPostgresServers } from './postgres-connect.ts';
import { createWaitQueue, storeUnavailable, type Waiter } from './wait-queue.ts';

export interface PoolOptions {
  readonly url: string;
  readonly connections: number;
  /** Maximum number of requests waiting for a connection; more are refused immediately. */
  readonly maxWaiting: number;
  readonly timeouts: ConnectionTimeouts;
  readonly onError: (error: Error) => void;
}

const IDLE_TIMEOUT_MS = 60 * SECOND;
/** Pause after a failed connection attempt, jittered by half; milliseconds. */
export const RECONNECT_PAUSE_MS = 100;

/**
 * Errors after which a connection cannot be reused: changed plan, lost or foreign statement name, server no longer
 * writable.
 */
const DISCARD_CONNECTION_CODES = new Set(['0A000', '26000', '42P05', '25006']);

/** Returns whether the connection is unusable after this error: it broke or its state is unknown. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return error.severity === 'FATAL' || error.severity === 'PANIC' || DISCARD_CONNECTION_CODES.has(error.code ?? '');
}

/**
 * The connection broke, the server is busy, shutting down, full, read-only or too slow, or it rolled back conflicting
 * transactions: classes 08, 53, 57 and single codes.
 */
const UNAVAILABLE_CODES = /^(?:08|53|57)|^(?:55P03|25P03|25006|40001|40P01)$/;

/**
 * Returns whether the server rolled a transaction back before its commit, so that running it again is correct: it
 * conflicted with others, or this process was suspended between two statements for longer than the idle limit (25P03).
 */
export function isRolledBack(error: unknown): boolean {
  return isIdleTimeoutError(error) || ['40001', '40P01'].includes(String((error as { code?: unknown } | null)?.code));
}

/** Returns whether the server ended a transaction because this process was suspended for longer than the idle limit. */
export function isIdleTimeoutError(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === '25P03';
}

/**
 * By connection: the first error that the server sent while no statement was running, before it closed the connection.
 */
const closingErrors = new WeakMap<object, Error>();

/**
 * Returns why a statement failed: the error with which the server closed the connection, if any. The driver's own error
 * does not contain it.
 */
export function resolveFailureCause(client: object, error: unknown): unknown {
  return error instanceof pg.DatabaseError ? error : (closingErrors.get(client) ?? error);
}

/**
 * Maps a driver error to `unavailable` if the database cannot be reached or used now, and the refusal of a NUL
 * character to `validation_failed`; returns other errors unchanged.
 */
export function toStoreError(error: unknown): Error {
  if (error instanceof Problem) return error;
  if (error instanceof pg.DatabaseError) {
    const { code = '' } = error;
    if (code === '22021') return new Problem('validation_failed', 'A NUL character cannot be stored.');
    if (!UNAVAILABLE_CODES.test(code)) return error;
  }
  return storeUnavailable(error);
}

/** A connection acquired from the pool. Release it with the error that occurred on it, if any. */
export interface AcquiredConnection {
  readonly client: pg.PoolClient;
  release(error?: unknown): void;
}

export interface PoolUsage {
  /** Connections in use or being opened. */
  readonly used: number;
  /** Maximum number of connections. */
  readonly max: number;
  /** Requests waiting for a connection. */
  readonly waiting: number;
}

export interface BoundedPool {
  usage(): PoolUsage;
  /**
   * Throws `unavailable`: immediately if the queue is full or a connection attempt just failed, otherwise after the
   * timeout.
   */
  acquire(): Promise<AcquiredConnection>;
  close(): Promise<void>;
}

/** Receives a connection, or null for the right to open one. */
interface PoolWaiter extends Waiter {
  readonly resolve: (client: pg.PoolClient | null) => void;
}

/** Creates a pool that bounds waiting times, the length of the queue and the rate of connection attempts. */
export function createPool({ url, connections, maxWaiting, timeouts, onError }: PoolOptions): BoundedPool {
  const servers = createPostgresServers(url);
  const pool = new pg.Pool({
    ...servers.options(timeouts),
    max: connections,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
  });
  let isClosing = false;
  /**
   * Connections in use or being opened. The pool's own queue, where every request would try to connect, stays empty.
   */
  let inUse = 0;
  const queue = createWaitQueue<PoolWaiter>(maxWaiting, timeouts.connectMs);
  /** No connection attempts before this `performance.now()`. */
  let reconnectAfterMs = 0;
  pool.on('error', (error) => {
    if (!isClosing) onError(error);
  });
  // A broken connection is reported by the next query on it, which fails.
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      if (!closingErrors.has(client)) closingErrors.set(client, error);
    });
  });

  /** Passes a connection, or the right to open one, to the next waiting request; returns false if none waits. */
  function passToNext(client: pg.PoolClient | null): boolean {
    const waiter = queue.dequeue();
    waiter?.resolve(client);
    return waiter !== undefined;
  }

  function returnClient(client: pg.PoolClient, isLost: boolean): void {
    if (!isLost && passToNext(client)) return;
    client.release(isLost);
    if (!passToNext(null)) inUse--;
  }

  async function connect(): Promise<pg.PoolClient> {
    // Connection attempts of many busy nodes must not prevent a database from recovering.
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
      let receivedClient: pg.PoolClient | null = null;
      if (inUse < connections) inUse++;
      else
        receivedClient = await new Promise<pg.PoolClient | null>((resolve, reject) =>
          queue.enqueue({ resolve, reject }),
        );
      try {
        const client = receivedClient ?? (await connect());
        let isHeld = true;
        return {
          client,
          release(error) {
            if (!isHeld) throw new Error('A connection must be released only once.');
            isHeld = false;
            returnClient(client, error !== undefined && isConnectionLost(error));
          },
        };
      } catch (error) {
        if (!passToNext(null)) inUse--;
        throw error;
      }
    },
    close() {
      isClosing = true;
      queue.rejectAll(storeUnavailable());
      return pool.end();
    },
  };
}
