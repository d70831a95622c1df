import { DatabaseSync } from 'node:sqlite';
import type pg from 'pg';
import { HOUR, SECOND } from '../contract/limits.ts';
import { DATABASE_CLOCK } from './lease-tables.ts';
import { connectClient, createPostgresServers } from './postgres-connect.ts';
import { toStoreError } from './postgres-pool.ts';
import { openSqlite } from './sqlite-open.ts';
import type { Bindable } from './store.ts';

export type CopiedRow = Readonly<Record<string, Bindable>>;

/** A consistent snapshot of a store, unaffected by concurrent writes. */
export interface CopySource {
  /** The names of the migrations applied to the store, in order. */
  readonly migrations: readonly string[];
  /** The number of nodes with a live lease; always 0 for the embedded store, which only one process can use. */
  readonly liveNodes: number;
  count(table: string): Promise<number>;
  /** Yields all rows of a table in batches, in no particular order. */
  rows(table: string): AsyncIterable<readonly CopiedRow[]>;
  close(): Promise<void>;
}

/** A store that is written in one transaction. */
export interface CopyTarget {
  count(table: string): Promise<number>;
  clear(table: string): Promise<void>;
  insert(table: string, rows: readonly CopiedRow[]): Promise<void>;
  commit(): Promise<void>;
  /** Rolls back uncommitted writes and closes the connection. */
  close(): Promise<void>;
}

/** Few rows of `source_map`, because each can be up to 10 MiB. */
const rowsPerBatch = (table: string) => (table === 'source_map' ? 8 : 500);
/** Parameters per statement; PostgreSQL accepts at most 65,535. */
const MAX_PARAMETERS = 30_000;

const SELECT_MIGRATIONS = 'select name from kysely_migration order by name';

export function openSqliteSource(path: string): CopySource {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec('begin');
    const migrations = database.prepare(SELECT_MIGRATIONS).all();
    return {
      migrations: migrations.map(({ name }) => String(name)),
      liveNodes: 0,
      count: async (table) => Number(database.prepare(`select count(*) as count from ${table}`).get()?.['count']),
      async *rows(table) {
        let batch: CopiedRow[] = [];
        for (const row of database.prepare(`select * from ${table}`).iterate()) {
          batch.push(row as CopiedRow);
          if (batch.length < rowsPerBatch(table)) continue;
          yield batch;
          batch = [];
        }
        if (batch.length > 0) yield batch;
      },
      close: async () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Writes to a file that only this process has open and that already has its tables. */
export function openSqliteTarget(path: string): CopyTarget {
  const database = openSqlite(path, false);
  database.exec('begin immediate');
  return {
    count: async (table) => Number(database.prepare(`select count(*) as count from ${table}`).get()?.['count']),
    clear: async (table) => database.exec(`delete from ${table}`),
    async insert(table, rows) {
      const columns = Object.keys(rows[0] ?? {});
      const statement = database.prepare(
        `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
      );
      for (const row of rows) statement.run(...columns.map((column) => row[column] ?? null));
    },
    commit: async () => database.exec('commit; pragma wal_checkpoint(truncate)'),
    close: async () => database.close(),
  };
}

function connectForCopy(url: string): Promise<pg.Client> {
  const timeouts = { connectMs: 10 * SECOND, statementMs: 24 * HOUR, responseMs: 24 * HOUR, idleInTransactionMs: 0 };
  return connectClient(createPostgresServers(url), timeouts).catch((error: unknown) => {
    throw toStoreError(error);
  });
}

async function countRows(client: pg.Client, from: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(`select count(*) as count from ${from}`);
  return rows[0]?.count ?? 0;
}

export async function openPostgresSource(url: string): Promise<CopySource> {
  const client = await connectForCopy(url);
  try {
    await client.query('begin transaction isolation level repeatable read read only');
    const { rows } = await client.query<{ name: string }>(SELECT_MIGRATIONS);
    return {
      migrations: rows.map(({ name }) => name),
      liveNodes: await countRows(client, `node where lease_until > ${DATABASE_CLOCK}`),
      count: (table) => countRows(client, table),
      async *rows(table) {
        await client.query(`declare copied no scroll cursor for select * from ${table}`);
        for (;;) {
          const { rows: batch } = await client.query<CopiedRow>(`fetch ${rowsPerBatch(table)} from copied`);
          if (batch.length === 0) break;
          yield batch;
        }
        await client.query('close copied');
      },
      close: () => client.end(),
    };
  } catch (error) {
    await client.end();
    throw toStoreError(error);
  }
}

/** Writes to a database that already has its tables. Locks every table, so nothing else can write meanwhile. */
export async function openPostgresTarget(url: string, tables: readonly string[]): Promise<CopyTarget> {
  const client = await connectForCopy(url);
  try {
    await client.query('begin');
    await client.query(`lock table ${tables.join(', ')} in exclusive mode`);
  } catch (error) {
    await client.end();
    throw toStoreError(error);
  }
  async function insertBatch(table: string, columns: readonly string[], rows: readonly CopiedRow[]): Promise<void> {
    const values = rows.map(
      (_, row) => `(${columns.map((_column, index) => `$${row * columns.length + index + 1}`).join(', ')})`,
    );
    await client.query(
      `insert into ${table} (${columns.join(', ')}) values ${values.join(', ')}`,
      rows.flatMap((row) => columns.map((column) => row[column] ?? null)),
    );
  }
  return {
    count: (table) => countRows(client, table),
    clear: async (table) => {
      await client.query(`delete from ${table}`);
    },
    async insert(table, rows) {
      const columns = Object.keys(rows[0] ?? {});
      const rowsPerStatement = Math.max(1, Math.floor(MAX_PARAMETERS / Math.max(1, columns.length)));
      for (let index = 0; index < rows.length; index += rowsPerStatement)
        await insertBatch(table, columns, rows.slice(index, index + rowsPerStatement));
    },
    commit: async () => {
      await client.query('commit');
    },
    close: () => client.end(),
  };
}
