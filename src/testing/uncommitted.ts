import pg from 'pg';
import { until } from './until.ts';

/**
 * Runs `work` while a change to a PostgreSQL database is uncommitted, and returns its result. Commits the change once
 * `waitingCount` transactions wait for a lock or `work` has finished.
 */
export async function whileUncommitted<T>(
  databaseUrl: string | undefined,
  change: string,
  waitingCount: number,
  work: () => Promise<T>,
): Promise<T> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    await client.query(`begin; ${change}`);
    let isWorkFinished = false;
    const result = work().finally(() => (isWorkFinished = true));
    await until(async () => {
      if (isWorkFinished) return true;
      const query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
      return (await client.query(query)).rows.length >= waitingCount;
    }, 20_000);
    await client.query('commit');
    return await result;
  } finally {
    await client.end();
  }
}
