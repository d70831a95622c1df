import type { QueryResult } from 'pg';
import { isStatementOutdated, queryConfigFor } from './postgres-connect.ts';
import { type AcquiredConnection, type BoundedPool, toStoreError } from './postgres-pool.ts';
import type { KeyedLookup } from './store.ts';
import { createWaitQueue, storeUnavailable, type Waiter } from './wait-queue.ts';

export interface BatchedLookups {
  /**
   * Returns the row of a key, read after this call, or undefined if there is none. Rejects with `unavailable` if the
   * database is busy or cannot be reached.
   */
  find<Row>(key: Uint8Array): Promise<Row | undefined>;
  close(): void;
}

interface PendingLookup extends Waiter {
  readonly key: Uint8Array;
  readonly resolve: (row: Record<string, unknown> | undefined) => void;
}

/**
 * How many keys each statement accepts. With a few fixed sizes, PostgreSQL can keep a plan for each; unused parameters
 * are null, which matches no row.
 */
const STATEMENT_SIZES = [1, 4, 16, 64] as const;
/** The largest of `STATEMENT_SIZES`. */
const MAX_BATCH_SIZE = 64;

/** Returns the key as a string, for use in a `Map`. */
const mapKeyOf = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');

function statementsFor({
  table,
  columns,
  key,
  name = table,
}: KeyedLookup): { size: number; name: string; text: string }[] {
  return STATEMENT_SIZES.map((size) => {
    const placeholders = Array.from({ length: size }, (_, index) => `$${index + 1}`).join(', ');
    // With a single key, the row does not have to be matched to its key.
    const selectedColumns = size === 1 ? columns : `${columns}, ${key}`;
    const text = `select ${selectedColumns} from ${table} where ${key} in (${placeholders})`;
    return { size, name: `devpilot_${name}_${key}_${size}`, text };
  });
}

/**
 * Looks up rows by key over a few connections. Lookups that arrive while all connections are busy wait and are then
 * sent together in one query. Under load, a lookup costs a fraction of a query; without load, it does not wait.
 * `bench/postgres.ts` shows the gain (decisions per second for credentials that are not cached). If it no longer did,
 * this file could be deleted, and each lookup would be one query.
 */
export function createBatchedLookups(
  lookup: KeyedLookup,
  pool: BoundedPool,
  options: { connections: number; maxWaiting: number; maxWaitMs: number },
): BatchedLookups {
  const statements = statementsFor(lookup);
  const queue = createWaitQueue<PendingLookup>(options.maxWaiting, options.maxWaitMs);
  /** Connections in use or being acquired. */
  let busyConnections = 0;
  let isAcquiring = false;

  async function query(
    client: AcquiredConnection['client'],
    keys: readonly Uint8Array[],
  ): Promise<Record<string, unknown>[]> {
    const statement = statements.find(({ size }) => size >= keys.length);
    if (statement === undefined) throw new RangeError(`No statement accepts ${keys.length} keys.`);
    const { size, name, text } = statement;
    const values: (Uint8Array | null)[] = [...keys];
    while (values.length < size) values.push(null);
    const { rows: found }: QueryResult<Record<string, unknown>> = await client.query(
      queryConfigFor(client, { name, text }, values),
    );
    return found;
  }

  function resolveBatch(batch: readonly PendingLookup[], found: readonly Record<string, unknown>[]): void {
    const [only] = batch;
    if (only !== undefined && batch.length === 1) {
      only.resolve(found[0]);
      return;
    }
    const byKey = new Map(found.map((row) => [mapKeyOf(row[lookup.key] as Uint8Array), row]));
    for (const { key, resolve } of batch) resolve(byKey.get(mapKeyOf(key)));
  }

  async function read(
    { client, release }: AcquiredConnection,
    batch: readonly PendingLookup[],
    canRetry: boolean,
  ): Promise<void> {
    let found: Record<string, unknown>[];
    try {
      found = await query(
        client,
        batch.map(({ key }) => key),
      );
    } catch (error) {
      release(error);
      if (canRetry && isStatementOutdated(error)) return read(await pool.acquire(), batch, false);
      throw error;
    }
    release();
    resolveBatch(batch, found);
  }

  function takeBatch(): PendingLookup[] {
    const batch: PendingLookup[] = [];
    while (batch.length < MAX_BATCH_SIZE) {
      const pending = queue.dequeue();
      if (pending === undefined) break;
      batch.push(pending);
    }
    return batch;
  }

  /**
   * Acquires a connection and sends a batch of waiting lookups over it. Returns false if no connection could be
   * acquired.
   */
  async function serveBatch(): Promise<boolean> {
    let acquired: AcquiredConnection;
    try {
      acquired = await pool.acquire();
    } catch (error) {
      // Reject only if this is the last busy connection (the count includes this one): any other will serve the waiting
      // lookups when it finishes.
      if (busyConnections === 1) queue.rejectAll(toStoreError(error));
      return false;
    } finally {
      isAcquiring = false;
    }
    const batch = takeBatch();
    if (batch.length === 0) acquired.release();
    startIfNeeded();
    if (batch.length > 0) {
      await read(acquired, batch, true).catch((error: unknown) => {
        for (const { reject } of batch) reject(toStoreError(error));
      });
    }
    return true;
  }

  /** Acquires one connection at a time; lookups that arrive meanwhile join its batch. */
  function startIfNeeded(): void {
    if (isAcquiring || queue.size() === 0 || busyConnections >= options.connections) return;
    isAcquiring = true;
    busyConnections++;
    void serveBatch().then((served) => {
      busyConnections--;
      // After a failure, only a busy connection or the next lookup tries again.
      if (served) startIfNeeded();
    });
  }

  return {
    find: <Row>(key: Uint8Array) =>
      new Promise<Row | undefined>((resolve, reject) => {
        queue.enqueue({ key, resolve: (row) => resolve(row as Row | undefined), reject });
        startIfNeeded();
      }),
    close: () => queue.rejectAll(storeUnavailable()),
  };
}
