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
  async function write(everything: boolean): Promise<void> {
    const due = denials.drain(clock(), everything).sort((a, b) => (a.workspaceId < b.workspaceId ? -1 : 1));
    if (due.length === 0) return;
    await store.transaction(async (trx) => {
      for (const draft of due) await appendAuditEvent(trx, draft);
    });
  }
  return (everything = false) => {
    written = written.catch(() => undefined).then(() => write(everything));
    return written;
  };
}
