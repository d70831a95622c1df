import type { AuditDraft } from '../contract/audit.ts';
import { Problem } from '../contract/problem.ts';
import type { Store } from '../store/store.ts';
import type { DenialBuffer } from './denials.ts';
import { appendAuditEvent } from './log.ts';

/** Maximum number of events per transaction, all of one workspace. Bounded, because it locks the workspace's log. */
const MAX_EVENTS_PER_TRANSACTION = 500;

/** Splits events into parts that are written in one transaction each. */
function splitIntoParts(drafts: readonly AuditDraft[]): AuditDraft[][] {
  return [...Map.groupBy(drafts, ({ workspaceId }) => workspaceId).values()].flatMap((ofWorkspace) =>
    Array.from({ length: Math.ceil(ofWorkspace.length / MAX_EVENTS_PER_TRANSACTION) }, (_, index) =>
      ofWorkspace.slice(index * MAX_EVENTS_PER_TRANSACTION, (index + 1) * MAX_EVENTS_PER_TRANSACTION),
    ),
  );
}

/**
 * Returns a function that writes the buffered refusals that are due, or all of them. Writes run one after the other,
 * so that a caller also waits for what an earlier call has taken and not yet written. Each refusal is written at least
 * once: if a commit succeeds but its response is lost, it is written again. While the store is unavailable, calls reject
 * and nothing is lost; a part that cannot be written for another reason is dropped and reported to `onError`.
 */
export function createDenialWriter(
  store: Store,
  denials: DenialBuffer,
  clock: () => number,
  onError: (error: unknown) => void,
): (everything?: boolean) => Promise<void> {
  let written = Promise.resolve();
  /** Taken from the buffer and not known to be written: if the store fails, the next write starts with them. */
  let taken: AuditDraft[][] = [];
  async function writePart(drafts: readonly AuditDraft[]): Promise<void> {
    const now = clock();
    try {
      await store.transaction(async (trx) => {
        for (const draft of drafts) await appendAuditEvent(trx, { ...draft, at: Math.max(draft.at, now) });
      });
    } catch (error) {
      if (error instanceof Problem && error.code === 'unavailable') throw error;
      onError(error);
    }
  }
  async function writeTaken(): Promise<void> {
    for (let part = taken[0]; part !== undefined; part = taken[0]) {
      await writePart(part);
      taken.shift();
    }
  }
  async function write(everything: boolean): Promise<void> {
    await writeTaken();
    taken = splitIntoParts(denials.drain(clock(), everything));
    await writeTaken();
  }
  return (everything = false) => {
    written = written.catch(() => undefined).then(() => write(everything));
    return written;
  };
}
