import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { openPostgresReader } from './postgres.ts';
import type { Schema } from './schema.ts';
import { openSqliteReader } from './sqlite.ts';

/** Opens the store that the settings name for reading alone; servers may be at work on it. */
export function openReader(where: {
  readonly databaseUrl: string | null;
  readonly dataDirectory: string;
}): Kysely<Schema> {
  return where.databaseUrl === null
    ? openSqliteReader(join(where.dataDirectory, 'devpilot.db'))
    : openPostgresReader(where.databaseUrl);
}
