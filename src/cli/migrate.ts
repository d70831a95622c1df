import { openStore } from '../server/open-store.ts';
import { readSettings } from '../server/settings.ts';

/** Runs the pending migrations on the configured database. */
export async function migrate(): Promise<void> {
  const { store, release } = await openStore(readSettings(process.env));
  await store.close();
  release();
  process.stdout.write('The database schema is up to date.\n');
}
