import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { until } from './until.ts';

/**
 * Changes the SQLite database of a server that may be running in this process. Retries instead of waiting inside SQLite
 * for a transaction of the server to end, because that would block the event loop on which the transaction runs.
 */
export async function changeDatabase<T>(dataDirectory: string, change: (database: DatabaseSync) => T): Promise<T> {
  const database = new DatabaseSync(join(dataDirectory, 'devpilot.db'), { timeout: 0 });
  try {
    await until(() => {
      try {
        database.exec('begin immediate');
        return Promise.resolve(true);
      } catch (error) {
        if (error instanceof Error && /database is locked/.test(error.message)) return Promise.resolve(false);
        throw error;
      }
    });
    const result = change(database);
    database.exec('commit');
    return result;
  } finally {
    database.close();
  }
}

/**
 * Runs a statement on the store of a server that may be running, for example to create the state of an earlier version.
 */
export async function runSql(
  server: { readonly dataDirectory: string },
  environment: Readonly<Record<string, string>>,
  statement: string,
): Promise<Record<string, unknown>[]> {
  const { DATABASE_URL: connectionString } = environment;
  if (connectionString === undefined) {
    return changeDatabase(server.dataDirectory, (db) => db.prepare(statement).all() as Record<string, unknown>[]);
  }
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(statement)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}
