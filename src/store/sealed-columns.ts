import { sql } from 'kysely';
import type { Schema } from './schema.ts';
import type { Queryable, Trx } from './store.ts';

/** A column encrypted under `DEVPILOT_SECRET`, and the primary key of its table. */
interface SealedColumn {
  readonly table: keyof Schema;
  readonly column: string;
  readonly key: readonly string[];
}

/**
 * All sealed columns except `installation.secret_check`. Each needs an entry in `ASSOCIATED_DATA` of
 * `src/server/secret-rotation.ts`.
 */
export const SEALED_COLUMNS = [
  { table: 'person', column: 'totp_sealed', key: ['id'] },
  { table: 'session_sign_in', column: 'refresh_token_sealed', key: ['session_id'] },
  { table: 'server', column: 'private_key_sealed', key: ['id'] },
  { table: 'app', column: 'repository_password_sealed', key: ['id'] },
  { table: 'env_change', column: 'value_sealed', key: ['app_id', 'name', 'version'] },
  { table: 'project_env_change', column: 'value_sealed', key: ['project_id', 'name', 'version'] },
  { table: 'backup_key', column: 'key_sealed', key: ['id'] },
  { table: 'push_secret', column: 'secret_sealed', key: ['app_id'] },
  { table: 'deploy_key', column: 'private_key_sealed', key: ['app_id'] },
  { table: 'commit_status', column: 'token_sealed', key: ['app_id'] },
  { table: 'webhook', column: 'secret_sealed', key: ['id'] },
  { table: 'webhook', column: 'previous_secret_sealed', key: ['id'] },
] as const satisfies readonly SealedColumn[];

export type SealedTable = (typeof SEALED_COLUMNS)[number]['table'];
export type SealedRow = Readonly<Record<string, string | number>>;

const ROWS_PER_READ = 500;

/**
 * Yields the rows with a sealed value in batches, ordered by their key. Not filtered by workspace: used only to rotate
 * the secret.
 */
export async function* readSealedRows(
  db: Queryable,
  { table, column, key }: SealedColumn,
): AsyncGenerator<SealedRow[]> {
  const order = sql.join(key.map((name) => sql.ref(name)));
  for (let last: SealedRow | undefined; ; ) {
    const after: SealedRow | undefined = last;
    const afterLast =
      after === undefined ? sql`1 = 1` : sql`(${order}) > (${sql.join(key.map((name) => sql.val(after[name])))})`;
    const { rows } = await sql<SealedRow>`
      select * from ${sql.table(table)} where ${sql.ref(column)} is not null and ${afterLast} order by ${order} limit ${ROWS_PER_READ}
    `.execute(db);
    if (rows.length > 0) yield rows;
    if (rows.length < ROWS_PER_READ) return;
    last = rows.at(-1);
  }
}

export async function updateSealedValue(
  trx: Trx,
  { table, column, key }: SealedColumn,
  row: SealedRow,
  sealed: string,
): Promise<void> {
  const rowFilter = sql.join(
    key.map((name) => sql`${sql.ref(name)} = ${sql.val(row[name])}`),
    sql` and `,
  );
  await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sealed} where ${rowFilter}`.execute(trx);
}
