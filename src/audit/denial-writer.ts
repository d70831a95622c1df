import type { AuditDraft } from '../contract/audit.ts';
import { toIsoString } from '../contract/instant.ts';
import { DAY } from '../contract/limits.ts';
import { Problem } from '../contract/problem.ts';
import { findNoticeBySubject, updateNotice } from '../store/notices.ts';
import { addRefusals, type Refusals } from '../store/right-uses.ts';
import type { Store, Trx } from '../store/store.ts';
import type { DenialBuffer, DrainOptions } from './denials.ts';
import { appendAuditEvent } from './log.ts';
import { raiseNotice } from './notices.ts';

/** Maximum number of events per transaction. Bounded, because the transaction locks the log of their workspace. */
const MAX_EVENTS_PER_TRANSACTION = 500;

/** Splits events into parts that are each written in one transaction. All events of a part are of one workspace. */
function splitIntoParts(drafts: readonly AuditDraft[]): AuditDraft[][] {
  return [...Map.groupBy(drafts, ({ workspaceId }) => workspaceId).values()].flatMap((workspaceDrafts) =>
    Array.from({ length: Math.ceil(workspaceDrafts.length / MAX_EVENTS_PER_TRANSACTION) }, (_, index) =>
      workspaceDrafts.slice(index * MAX_EVENTS_PER_TRANSACTION, (index + 1) * MAX_EVENTS_PER_TRANSACTION),
    ),
  );
}

/** Returns the number of refusals per credential and reason, dated to the day of `now`. */
function countRefusals(drafts: readonly AuditDraft[], now: number): Refusals[] {
  const day = Math.floor(now / DAY);
  const sums = new Map<string, Refusals>();
  for (const { workspaceId, actor, credential, detail } of drafts) {
    // Counts only refusals of the credential's own requests.
    if (credential === null || credential.id === null || credential.id !== actor.id) continue;
    const { reason: text, count } = detail as { reason?: unknown; count?: unknown };
    // The first word, without the details that may follow it (`Denial`).
    const reason = /^[a-z_]+/.exec(String(text))?.[0] ?? 'forbidden';
    const key = `${credential.id} ${reason}`;
    const counted = sums.get(key)?.count ?? 0;
    sums.set(key, { workspaceId, credentialId: credential.id, day, reason, count: counted + Number(count ?? 1) });
  }
  // Sorted, so that two nodes that update the same credentials cannot deadlock.
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, refusals]) => refusals);
}

/** Creates or updates the notice that the secret of a deleted credential is still used. */
async function raiseDeletedUseNotice(trx: Trx, { workspaceId, credential, origin, at }: AuditDraft): Promise<void> {
  if (credential === null) return;
  const kind = 'credential.used_after_deletion';
  const detail = { address: origin.address, lastAt: toIsoString(at) };
  if (await raiseNotice(trx, { workspaceId, kind, subject: credential, detail, at })) return;
  const notice = await findNoticeBySubject(trx, workspaceId, credential.id, kind);
  if (notice !== undefined) await updateNotice(trx, notice, { detail: JSON.stringify(detail) });
}

/**
 * Returns a function that writes the buffered refusals that are due, or all of them with `everything`. Writes run one
 * at a time, so that a caller also waits for events that an earlier call has drained but not yet written. While the
 * store is unavailable, calls reject, and the next call retries. If a commit succeeds but its response is lost, the
 * retry writes its events a second time. If a transaction fails for another reason, its events are dropped, and the
 * error is reported to `onError`.
 */
export function createDenialWriter(
  store: Store,
  denials: DenialBuffer,
  clock: () => number,
  onError: (error: unknown) => void,
): (options?: DrainOptions) => Promise<void> {
  let lastWrite = Promise.resolve();
  /**
   * Events that were drained from the buffer and may not have been written yet. After a failure of the store, the next
   * write starts with them.
   */
  let pending: AuditDraft[][] = [];
  async function writePart(drafts: readonly AuditDraft[]): Promise<void> {
    const now = clock();
    try {
      await store.transaction(async (trx) => {
        // Locks the credentials before the log, as a deletion does, so that the two cannot deadlock.
        for (const refusals of countRefusals(drafts, now)) await addRefusals(trx, refusals);
        for (const draft of drafts) {
          const event = { ...draft, at: Math.max(draft.at, now) };
          await appendAuditEvent(trx, event);
          if (event.action === 'credential.used_after_deletion') await raiseDeletedUseNotice(trx, event);
        }
      });
    } catch (error) {
      if (error instanceof Problem && error.code === 'unavailable') throw error;
      onError(error);
    }
  }
  async function writePending(): Promise<void> {
    for (let part = pending[0]; part !== undefined; part = pending[0]) {
      await writePart(part);
      pending.shift();
    }
  }
  async function write(options: DrainOptions | undefined): Promise<void> {
    await writePending();
    pending = splitIntoParts(denials.drain(clock(), options));
    await writePending();
  }
  return (options) => {
    lastWrite = lastWrite.catch(() => undefined).then(() => write(options));
    return lastWrite;
  };
}
