import pg from 'pg';
import { until } from './until.ts';

/**
 * Runs `work` while a change to a PostgreSQL database is uncommitted. Commits the change once `waiting` transactions
 * wait for a lock or `work` has finished.
 */
export async function whileUncommitted<T>(
  databaseUrl: string | undefined,
  change: string,
  waiting: number,
  work: () => Promise<T>,
): Promise<T> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    await client.query(`begin; ${change}`);
    let isDone = false;
    const done = work().finally(() => (isDone = true));
    await until(async () => {
      if (isDone) return true;
      const text = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
      return (await client.query(text)).rows.length >= waiting;
    }, 20_000);
    await client.query('commit');
    return await done;
  } finally {
    await client.end();
  }
}
