import type { AuditDraft } from '../contract/audit.ts';
import type { Store } from '../store/store.ts';
import type { DenialBuffer } from './denials.ts';
import { appendAuditEvent } from './log.ts';

/**
 * Returns a function that writes the buffered refusals that are due, or all of them. Writes run one after the other,
 * so that a caller also waits for what an earlier call has taken and not yet written.
 */
export function createDenialWriter(
  store: Store,
  denials: DenialBuffer,
  clock: () => number,
): (everything?: boolean) => Promise<void> {
  let written = Promise.resolve();
  /** Taken from the buffer and not known to be written: if the store fails, the next write starts with them. */
  let taken: AuditDraft[] = [];
  async function writeTaken(): Promise<void> {
    if (taken.length === 0) return;
    const now = clock();
    await store.transaction(async (trx) => {
      for (const draft of taken) await appendAuditEvent(trx, { ...draft, at: Math.max(draft.at, now) });
    });
    taken = [];
  }
  async function write(everything: boolean): Promise<void> {
    await writeTaken();
    taken = denials.drain(clock(), everything).sort((a, b) => (a.workspaceId < b.workspaceId ? -1 : 1));
    await writeTaken();
  }
  return (everything = false) => {
    written = written.catch(() => undefined).then(() => write(everything));
    return written;
  };
}
