import { GENESIS_HASH, listAuditHeads, readAuditChain } from '../store/audit.ts';
import type { Queryable } from '../store/store.ts';
import { hashOfAuditEvent } from './log.ts';

const ROWS_PER_READ = 1000;

/** Result of the verification of one workspace's log. */
export interface LogVerification {
  readonly workspaceId: string;
  /** Number of consecutive valid entries, counted from the first entry of the log. */
  readonly entries: number;
  /** Null if the log is intact; otherwise the first sequence number that is wrong, and the reason. */
  readonly broken: { readonly sequence: number; readonly reason: string } | null;
}

/** Reads a workspace's log from its first event and verifies sequence numbers, links and hashes up to its head. */
export async function verifyLog(
  db: Queryable,
  head: { readonly workspace_id: string; readonly sequence: number; readonly hash: string },
): Promise<LogVerification> {
  let sequence = 0;
  let hash = GENESIS_HASH;
  const brokenAt = (brokenSequence: number, reason: string): LogVerification => ({
    workspaceId: head.workspace_id,
    entries: sequence,
    broken: { sequence: brokenSequence, reason },
  });
  while (sequence < head.sequence) {
    const rows = await readAuditChain(db, head.workspace_id, sequence, ROWS_PER_READ);
    if (rows.length === 0) break;
    for (const row of rows) {
      // Later rows were written after the head was read.
      if (sequence === head.sequence) break;
      if (row.sequence !== sequence + 1) return brokenAt(sequence + 1, 'is missing');
      if (row.previous_hash !== hash) return brokenAt(row.sequence, 'does not follow from the previous entry');
      if (row.hash !== hashOfAuditEvent(row)) return brokenAt(row.sequence, 'was modified after it was written');
      sequence = row.sequence;
      hash = row.hash;
    }
  }
  if (sequence !== head.sequence) return brokenAt(sequence + 1, 'is missing');
  if (hash !== head.hash) return brokenAt(sequence, 'is not the last entry that was written');
  return { workspaceId: head.workspace_id, entries: sequence, broken: null };
}

/** Verifies every log of the store, one at a time. */
export async function* verifyEveryLog(db: Queryable): AsyncGenerator<LogVerification> {
  for (const head of await listAuditHeads(db)) yield await verifyLog(db, head);
}
