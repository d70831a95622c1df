import type { UsageStore } from '../authorization/usage-recorder.ts';
import type { Store } from '../store/store.ts';
import { claimUsageChunk, countUnfoldedUses, foldUses, insertUsageChunk } from '../store/usage.ts';

/**
 * Durable storage of counted uses. Uses are written within a second, and added to their credentials ("folded") later or
 * when a credential is read.
 */
export interface UsageJournal extends UsageStore {
  /**
   * Adds all uses that were written before the call to their credentials, in short transactions. Only one fold runs at
   * a time. Uses that remain after `timeBudgetMs` milliseconds are left to the next fold.
   */
  fold(timeBudgetMs?: number): Promise<void>;
  /** Number of credentials in chunks that are not yet folded. A credential in several chunks counts several times. */
  pendingUses(): number;
}

/** A longer transaction is followed by smaller transactions, because other writers wait for it. */
const MAX_FOLD_TRANSACTION_MS = 100;
const MAX_CHUNKS_PER_FOLD = 64;

/** Creates a journal that counts a chunk once, even if it is sent again. */
export async function createUsageJournal(store: Store): Promise<UsageJournal> {
  let unfoldedCount = await countUnfoldedUses(store.read);
  let maxChunks = 1;
  let folding: Promise<void> | null = null;

  async function foldAll(timeBudgetMs: number): Promise<void> {
    const end = performance.now() + timeBudgetMs;
    for (let full = true; full && performance.now() < end; ) {
      const chunkLimit = maxChunks;
      const startedAt = performance.now();
      const { chunks, uses } = await store.transaction((trx) => foldUses(trx, chunkLimit));
      const elapsedMs = performance.now() - startedAt;
      maxChunks =
        elapsedMs > MAX_FOLD_TRANSACTION_MS
          ? Math.max(1, chunkLimit >> 1)
          : Math.min(MAX_CHUNKS_PER_FOLD, chunkLimit * 2);
      unfoldedCount = Math.max(0, unfoldedCount - uses);
      full = chunks === chunkLimit;
    }
  }

  return {
    async addUses(nodeId, number, uses) {
      const isNew = await store.transaction(async (trx) => {
        if (!(await claimUsageChunk(trx, nodeId, number))) return false;
        await insertUsageChunk(trx, nodeId, number, uses);
        return true;
      });
      if (isNew) unfoldedCount += uses.length;
    },
    async fold(timeBudgetMs = Number.POSITIVE_INFINITY) {
      // A fold in progress may have started before the uses that the caller needs were written.
      if (folding !== null) await folding.catch(() => undefined);
      folding ??= foldAll(timeBudgetMs).finally(() => {
        folding = null;
      });
      await folding;
    },
    pendingUses: () => unfoldedCount,
  };
}
