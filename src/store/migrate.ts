import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { foundation } from './migrations/0001-foundation.ts';
import { resources } from './migrations/0010-resources.ts';
import { environment } from './migrations/0011-environment.ts';

/** The statements of each migration, by name; a landed one is never changed. */
const MIGRATIONS: Readonly<Record<string, (bytes: 'blob' | 'bytea') => string[]>> = {
  '0001-foundation': foundation,
  '0010-resources': resources,
  '0011-environment': environment,
};

/** Brings the tables up to date. Each migration is one transaction; several processes may try at once. */
// biome-ignore lint/suspicious/noExplicitAny: kysely's migrator takes a database of any schema
export async function migrate(db: Kysely<any>, bytes: 'blob' | 'bytea'): Promise<void> {
  const migrations: Record<string, Migration> = {};
  for (const [name, statements] of Object.entries(MIGRATIONS)) {
    migrations[name] = {
      async up(trx) {
        for (const statement of statements(bytes)) await sql.raw(statement).execute(trx);
      },
    };
  }
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
