import type { QueryResult } from 'pg';
import { createLine, unreachable, type Waiting } from './line.ts';
import { lostItsName, statementOn } from './postgres-connect.ts';
import { type BoundedPool, storeError, type Taken } from './postgres-pool.ts';
import type { KeyedRows } from './store.ts';

export interface LookUps {
  /** The row of a key, read after the call; undefined where there is none. Rejects with `unavailable`. */
  find<Row>(key: Uint8Array): Promise<Row | undefined>;
  end(): void;
}

interface Asking extends Waiting {
  readonly key: Uint8Array;
  readonly give: (row: Record<string, unknown> | undefined) => void;
}

/**
 * How many keys the statements have room for. A few fixed sizes, so that the database knows how many it is given and
 * keeps one plan for each; places that are left over hold null, which no row has for a key.
 */
const SIZES = [1, 4, 16, 64] as const;
const MOST = 64;

const textOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');

function statementsFor({ table, columns, key }: KeyedRows): { size: number; name: string; text: string }[] {
  return SIZES.map((size) => {
    const places = Array.from({ length: size }, (_, at) => `$${at + 1}`).join(', ');
    // Alone, a row needs no telling apart.
    const wanted = size === 1 ? columns : `${columns}, ${key}`;
    const text = `select ${wanted} from ${table} where ${key} in (${places})`;
    return { size, name: `devpilot_${table}_${key}_${size}`, text };
  });
}

/**
 * Looks rows up by key over a few connections. Whoever comes while none is free waits for one, and those who wait then
 * go out together in one query: under load a look-up costs a fraction of a query, and alone it waits for nobody.
 */
export function createLookUps(
  rows: KeyedRows,
  pool: BoundedPool,
  options: { connections: number; waiting: number; patience: number },
): LookUps {
  const statements = statementsFor(rows);
  const line = createLine<Asking>(options.waiting, options.patience);
  /** Connections that look up, or are being taken to. */
  let busy = 0;
  let taking = false;

  async function query(client: Taken['client'], keys: readonly Uint8Array[]): Promise<Record<string, unknown>[]> {
    const statement = statements.find(({ size }) => size >= keys.length);
    if (statement === undefined) throw new RangeError(`No statement has room for ${keys.length} keys.`);
    const { size, name, text } = statement;
    const values: (Uint8Array | null)[] = [...keys];
    while (values.length < size) values.push(null);
    const { rows: found }: QueryResult<Record<string, unknown>> = await client.query(
      statementOn(client, { name, text }, values),
    );
    return found;
  }

  function answer(asking: readonly Asking[], found: readonly Record<string, unknown>[]): void {
    const [only] = asking;
    if (only !== undefined && asking.length === 1) {
      only.give(found[0]);
      return;
    }
    const byKey = new Map(found.map((row) => [textOf(row[rows.key] as Uint8Array), row]));
    for (const { key, give } of asking) give(byKey.get(textOf(key)));
  }

  async function read({ client, release }: Taken, asking: readonly Asking[], again: boolean): Promise<void> {
    let found: Record<string, unknown>[];
    try {
      found = await query(
        client,
        asking.map(({ key }) => key),
      );
    } catch (error) {
      release(error);
      // A migration changed what the kept plan gives back (0A000): a fresh connection plans it anew.
      if (again && (lostItsName(error) || (error as { code?: unknown }).code === '0A000'))
        return read(await pool.take(), asking, false);
      throw error;
    }
    release();
    answer(asking, found);
  }

  function nextInLine(): Asking[] {
    const asking: Asking[] = [];
    while (asking.length < MOST) {
      const next = line.next();
      if (next === undefined) break;
      asking.push(next);
    }
    return asking;
  }

  /** Takes a connection, and with it those who wait by then. Tells whether there was one. */
  async function serve(): Promise<boolean> {
    let taken: Taken;
    try {
      taken = await pool.take();
    } catch (error) {
      // What is at work comes back to those who wait.
      if (busy === 1) line.refuseAll(storeError(error));
      return false;
    } finally {
      taking = false;
    }
    const asking = nextInLine();
    if (asking.length === 0) taken.release();
    start();
    if (asking.length > 0) {
      await read(taken, asking, true).catch((error: unknown) => {
        for (const { refuse } of asking) refuse(storeError(error));
      });
    }
    return true;
  }

  /** One connection is asked for at a time: who comes meanwhile may go with it. */
  function start(): void {
    if (taking || line.size() === 0 || busy >= options.connections) return;
    taking = true;
    busy++;
    void serve().then((served) => {
      busy--;
      // After a failure only a connection that is at work, or whoever comes next, tries again.
      if (served) start();
    });
  }

  return {
    find: <Row>(key: Uint8Array) =>
      new Promise<Row | undefined>((resolve, refuse) => {
        line.enter({ key, give: (row) => resolve(row as Row | undefined), refuse });
        start();
      }),
    end: () => line.refuseAll(unreachable()),
  };
}
