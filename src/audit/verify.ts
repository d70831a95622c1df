import { listAuditHeads, NO_HASH, readAuditChain } from '../store/audit.ts';
import type { Queryable } from '../store/store.ts';
import { hashOf } from './log.ts';

const BATCH = 1000;

/** What a check of one workspace's log found. */
export interface LogCheck {
  readonly workspaceId: string;
  readonly entries: number;
  /** Null if whole; otherwise the first number that does not fit, and why. */
  readonly broken: { readonly sequence: number; readonly reason: string } | null;
}

/** Reads a workspace's log from its first entry and checks numbers, links and hashes up to its head. */
export async function verifyLog(
  db: Queryable,
  head: { readonly workspace_id: string; readonly sequence: number; readonly hash: string },
): Promise<LogCheck> {
  let sequence = 0;
  let hash = NO_HASH;
  const found = (at: number, reason: string): LogCheck => ({
    workspaceId: head.workspace_id,
    entries: sequence,
    broken: { sequence: at, reason },
  });
  while (sequence < head.sequence) {
    const rows = await readAuditChain(db, head.workspace_id, sequence, BATCH);
    if (rows.length === 0) break;
    for (const row of rows) {
      if (row.sequence > head.sequence) break;
      if (row.sequence !== sequence + 1) return found(sequence + 1, 'an entry is missing');
      if (row.previous_hash !== hash) return found(row.sequence, 'does not follow from the entry before it');
      if (row.hash !== hashOf(row)) return found(row.sequence, 'was changed after it was written');
      sequence = row.sequence;
      hash = row.hash;
    }
  }
  if (sequence !== head.sequence) return found(sequence + 1, 'an entry is missing');
  if (hash !== head.hash) return found(sequence, 'is not the one that was written last');
  return { workspaceId: head.workspace_id, entries: sequence, broken: null };
}

/** Checks every log of the store, one after the other. */
export async function* verifyEveryLog(db: Queryable): AsyncGenerator<LogCheck> {
  for (const head of await listAuditHeads(db)) yield await verifyLog(db, head);
}
