import { existsSync } from 'node:fs';
import type { Kysely } from 'kysely';
import { databaseFileIn } from './data-directory.ts';
import { openPostgresReader } from './postgres.ts';
import type { Schema } from './schema.ts';
import { openSqliteReader } from './sqlite.ts';

/** Opens the configured store for reading only. Servers can be using it at the same time. */
export function openReader(settings: {
  readonly databaseUrl: string | null;
  readonly dataDirectory: string;
}): Kysely<Schema> {
  if (settings.databaseUrl !== null) return openPostgresReader(settings.databaseUrl);
  const file = databaseFileIn(settings.dataDirectory);
  if (!existsSync(file)) {
    throw new Error(`No database was found in ${settings.dataDirectory}. Set DEVPILOT_DATA_DIR or DATABASE_URL.`);
  }
  return openSqliteReader(file);
}
