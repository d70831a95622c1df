import { sql } from 'kysely';
import type { BackupTable, RestoreTable } from './schema/backups.ts';
import type { RunTable } from './schema/scripts.ts';
import type { Queryable, Trx } from './store.ts';

/** Resources, other than deployments, that represent work: they have a status and end exactly once. */
interface WorkItemRows {
  backup: BackupTable;
  restore: RestoreTable;
  run: RunTable;
}
type WorkItemKind = keyof WorkItemRows;

export async function findWorkItem<Kind extends WorkItemKind>(
  db: Queryable,
  kind: Kind,
  workspaceId: string,
  id: string,
): Promise<WorkItemRows[Kind] | undefined> {
  const { rows } = await sql<WorkItemRows[Kind]>`select * from ${sql.table(kind)}
    where workspace_id = ${workspaceId} and id = ${id}`.execute(db);
  return rows[0];
}

/**
 * Updates a work item if its status is one of `allowedStatuses`, so that a final status is never overwritten. Otherwise
 * returns false.
 */
export async function updateWorkItem<Kind extends WorkItemKind>(
  trx: Trx,
  kind: Kind,
  workspaceId: string,
  id: string,
  allowedStatuses: readonly string[],
  change: Partial<Omit<WorkItemRows[Kind], 'id' | 'workspace_id'>>,
): Promise<boolean> {
  const sets = Object.entries(change).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  const { numAffectedRows = 0n } = await sql`update ${sql.table(kind)} set ${sql.join(sets)}
    where workspace_id = ${workspaceId} and id = ${id} and status in (${sql.join([...allowedStatuses])})`.execute(trx);
  return numAffectedRows > 0n;
}
