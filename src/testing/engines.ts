import { join } from 'node:path';
import { after, describe } from 'node:test';
import { openPostgresStore } from '../store/postgres.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';
import { openTestDatabases, type TestDatabases } from './postgres.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A store engine on which tests run. */
export interface StoreEngine {
  readonly name: Store['engine'];
  /** Opens an empty store. */
  open(): Promise<Store>;
  /** Returns the settings for a server with an empty store of this engine. */
  environment(): Promise<Readonly<Record<string, string>>>;
}

/** Value of `DEVPILOT_SECRET` for servers on PostgreSQL. */
export const TEST_SECRET = 'a secret of the tests, long enough to be one';

/** Declares the same tests for every engine. PostgreSQL is started on first use, unless a shared server is running. */
export function forEachEngine(name: string, declare: (engine: StoreEngine) => void): void {
  describe(`${name}, on sqlite`, () => {
    declare({
      name: 'sqlite',
      open: () => openSqliteStore(join(temporaryDirectory(), 'devpilot.db')),
      environment: () => Promise.resolve({}),
    });
  });
  describe(`${name}, on postgres`, () => {
    let databases: Promise<TestDatabases> | null = null;
    const createDatabase = async () => (await (databases ??= openTestDatabases())).createDatabase();
    declare({
      name: 'postgres',
      open: async () => openPostgresStore(await createDatabase(), () => undefined),
      environment: async () => ({ DATABASE_URL: await createDatabase(), DEVPILOT_SECRET: TEST_SECRET }),
    });
    after(async () => (await databases)?.close());
  });
}
