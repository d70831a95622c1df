import pg from 'pg';
import { Problem } from '../contract/problem.ts';
import { SECOND } from '../contract/words.ts';
import { createLine, unreachable, type Waiting } from './line.ts';
import { createServers, type Patience } from './postgres-connect.ts';

export interface PoolOptions {
  readonly url: string;
  readonly connections: number;
  /** Requests that may wait for a connection; whoever comes after them is refused at once. */
  readonly waiting: number;
  readonly patience: Patience;
  readonly onError: (error: Error) => void;
}

const IDLE_FOR = 60 * SECOND;
/** After a connection that could not be made nobody tries for about so long, a different span each time; milliseconds. */
export const RECONNECT_PAUSE = 100;

/** A plan that was kept changed, a statement's name is lost or another's, and a server that takes no writes any more. */
const USELESS = new Set(['0A000', '26000', '42P05', '25006']);

/** Tells whether the connection is of no use after this error: it broke, or nobody knows what it is doing. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return error.severity === 'FATAL' || error.severity === 'PANIC' || USELESS.has(error.code ?? '');
}

/** The server is busy, going away, full, read-only or was too slow: classes 08, 53, 57 and single codes. */
const UNAVAILABLE = /^(?:08|53|57)|^(?:55P03|25P03|25006|40001|40P01)$/;

/** Two transactions got in each other's way; doing one of them again is right. */
export function isCollision(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === '40001' || code === '40P01';
}

/** What the driver threw, as the house speaks of it: `unavailable` where the database can't be asked now. */
export function storeError(error: unknown): Error {
  if (error instanceof Problem) return error;
  if (error instanceof pg.DatabaseError) {
    const { code = '' } = error;
    if (code === '22021') return new Problem('validation_failed', 'A NUL character can not be stored.');
    if (!UNAVAILABLE.test(code)) return error;
  }
  return unreachable(error);
}

/** A connection taken from the pool; give it back with the error that it met, if any. */
export interface Taken {
  readonly client: pg.PoolClient;
  release(error?: unknown): void;
}

export interface PoolFigures {
  /** Connections that are used or being made. */
  readonly used: number;
  /** The most there may be. */
  readonly most: number;
  /** Requests that wait for one. */
  readonly waiting: number;
}

export interface BoundedPool {
  figures(): PoolFigures;
  /** Throws `unavailable` at once when too many wait or one could not be made just now, and when none is to be had in time. */
  take(): Promise<Taken>;
  end(): Promise<void>;
}

/** Given a connection, or null for the right to make one. */
interface Taker extends Waiting {
  readonly give: (client: pg.PoolClient | null) => void;
}

/** A pool in which neither the waiting, nor the line of those who wait, nor the tries to connect grow without bound. */
export function createPool({ url, connections, waiting, patience, onError }: PoolOptions): BoundedPool {
  const servers = createServers(url);
  const pool = new pg.Pool({
    ...servers.options(patience),
    max: connections,
    idleTimeoutMillis: IDLE_FOR,
  });
  let ending = false;
  /** Connections that are used or being made; the pool's own line, in which each would try to connect, stays empty. */
  let taken = 0;
  const line = createLine<Taker>(waiting, patience.connect);
  /** Until when nobody tries to connect; `performance.now()`. */
  let pausedUntil = 0;
  pool.on('error', (error) => {
    if (!ending) onError(error);
  });
  // A connection that breaks while it is taken tells its holder by the query that fails.
  pool.on('connect', (client) => client.on('error', () => undefined));

  /** Hands on a connection, or the right to make one; to nobody if nobody waits, which is said. */
  function handOn(client: pg.PoolClient | null): boolean {
    const next = line.next();
    next?.give(client);
    return next !== undefined;
  }

  function giveBack(client: pg.PoolClient, lost: boolean): void {
    if (!lost && handOn(client)) return;
    client.release(lost);
    if (!handOn(null)) taken--;
  }

  async function connect(): Promise<pg.PoolClient> {
    // Many nodes under load must not be what keeps a database from coming back.
    if (performance.now() < pausedUntil && pool.idleCount === 0) throw unreachable();
    try {
      return await (pool.idleCount > 0 ? pool.connect() : servers.connect(() => pool.connect()));
    } catch (error) {
      pausedUntil = performance.now() + RECONNECT_PAUSE * (0.5 + Math.random());
      throw storeError(error);
    }
  }

  return {
    figures: () => ({ used: taken, most: connections, waiting: line.size() }),
    async take() {
      let mine: pg.PoolClient | null = null;
      if (taken < connections) taken++;
      else mine = await new Promise<pg.PoolClient | null>((give, refuse) => line.enter({ give, refuse }));
      try {
        const client = mine ?? (await connect());
        let held = true;
        return {
          client,
          release(error) {
            if (!held) throw new Error('A connection is given back once.');
            held = false;
            giveBack(client, error !== undefined && isConnectionLost(error));
          },
        };
      } catch (error) {
        if (!handOn(null)) taken--;
        throw error;
      }
    },
    end() {
      ending = true;
      line.refuseAll(unreachable());
      return pool.end();
    },
  };
}
