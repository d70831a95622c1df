import { sql } from 'kysely';
import { type Column, inlineTable } from './inline-table.ts';
import { engineOf, type Queryable, type Trx, withRowLock } from './store.ts';

const USE_COLUMNS = ['active', 'restrictions', 'max_uses', 'spent_uses', 'rate_missing', 'rate_at'] as const;
const LEVEL_COLUMNS: readonly Column[] = [
  ['id', 'text'],
  ['missing', 'bigint'],
  ['at', 'bigint'],
];

/** Whether a credential is active, the limits of its uses, and how far they have been reached. */
export interface UseRow {
  readonly active: number;
  readonly restrictions: string | null;
  readonly max_uses: number | null;
  readonly spent_uses: number;
  readonly rate_missing: number;
  readonly rate_at: number;
}

/** Returns the `UseRow` of a credential, or undefined if the workspace has no credential with this ID. */
export function findUseLimits(db: Queryable, workspaceId: string, id: string): Promise<UseRow | undefined> {
  const query = db.selectFrom('credential').select(USE_COLUMNS).where('workspace_id', '=', workspaceId);
  return query.where('id', '=', id).executeTakeFirst();
}

/**
 * Locks a credential's row and stores the columns that `take` returns for it. Because of the lock, no use is counted
 * twice or beyond a limit. Stores nothing if `take` returns null or the credential does not exist.
 */
export async function updateUses(
  trx: Trx,
  workspaceId: string,
  id: string,
  take: (row: UseRow) => Pick<UseRow, 'spent_uses' | 'rate_missing' | 'rate_at'> | null,
): Promise<void> {
  const query = trx.selectFrom('credential').select(USE_COLUMNS).where('workspace_id', '=', workspaceId);
  const row = await withRowLock(trx, query.where('id', '=', id), 'credential').executeTakeFirst();
  const newLevels = row === undefined ? null : take(row);
  if (newLevels !== null) await trx.updateTable('credential').set(newLevels).where('id', '=', id).execute();
}

/**
 * Locks the rows of credentials in a consistent order and stores the level that `add` returns for each. Stores nothing
 * for a credential for which `add` returns null. Not filtered by workspace, because the IDs come from credentials
 * that this node has authenticated.
 */
export async function updateRateLevels(
  trx: Trx,
  ids: readonly string[],
  add: (row: UseRow & { readonly id: string }) => { readonly rateMissing: number; readonly rateAt: number } | null,
): Promise<void> {
  const query = trx
    .selectFrom('credential')
    .select(['id', ...USE_COLUMNS])
    .where('id', 'in', ids)
    .orderBy('id');
  const rows = await withRowLock(trx, query, 'credential').execute();
  const levels = rows.flatMap((row) => {
    const level = add(row);
    return level === null ? [] : [[row.id, level.rateMissing, level.rateAt]];
  });
  if (levels.length === 0) return;
  const table = inlineTable(engineOf(trx), LEVEL_COLUMNS, levels);
  await sql`update credential set rate_missing = new_level.missing, rate_at = new_level.at
    from ${table} as new_level where credential.id = new_level.id`.execute(trx);
}
