import { sql } from 'kysely';
import type { BackupTable, RestoreTable, RunTable } from './schema.ts';
import type { Queryable, Trx } from './store.ts';

/** The nouns that are work: they begin, have a status, and end once. */
interface WorkRows {
  backup: BackupTable;
  restore: RestoreTable;
  run: RunTable;
}
type WorkNoun = keyof WorkRows;

export async function findWork<Noun extends WorkNoun>(
  db: Queryable,
  noun: Noun,
  workspaceId: string,
  id: string,
): Promise<WorkRows[Noun] | undefined> {
  const { rows } = await sql<WorkRows[Noun]>`select * from ${sql.table(noun)}
    where workspace_id = ${workspaceId} and id = ${id}`.execute(db);
  return rows[0];
}

/** Changes one that is in one of these states; false where it is not, so that an end is never overwritten. */
export async function changeWork<Noun extends WorkNoun>(
  trx: Trx,
  noun: Noun,
  workspaceId: string,
  id: string,
  from: readonly string[],
  change: Partial<Omit<WorkRows[Noun], 'id' | 'workspace_id'>>,
): Promise<boolean> {
  const sets = Object.entries(change).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  const { numAffectedRows = 0n } = await sql`update ${sql.table(noun)} set ${sql.join(sets)}
    where workspace_id = ${workspaceId} and id = ${id} and status in (${sql.join([...from])})`.execute(trx);
  return numAffectedRows > 0n;
}
