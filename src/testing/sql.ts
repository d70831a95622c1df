import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

/** Runs a statement on the store of a server that may be running, as an earlier version would have left it. */
export async function runSql(
  server: { readonly dataDirectory: string },
  environment: Readonly<Record<string, string>>,
  statement: string,
): Promise<Record<string, unknown>[]> {
  const { DATABASE_URL: connectionString } = environment;
  if (connectionString === undefined) {
    const db = new DatabaseSync(join(server.dataDirectory, 'devpilot.db'), { timeout: 5000 });
    try {
      // A single statement fails immediately, whatever the timeout, if the server commits between its first read and
      // its write.
      db.exec('begin immediate');
      const rows = db.prepare(statement).all() as Record<string, unknown>[];
      db.exec('commit');
      return rows;
    } finally {
      db.close();
    }
  }
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(statement)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}
