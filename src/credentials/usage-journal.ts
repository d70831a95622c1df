import type { UsageStore } from '../authorization/usage-recorder.ts';
import type { Store } from '../store/store.ts';
import {
  addChunksToCredentials,
  countPendingCredentials,
  insertUsageChunk,
  recordChunkNumber,
} from '../store/usage.ts';

/**
 * Durable storage of counted uses, in two stages. Each node writes its uses as chunks within a second. The chunks are
 * added to the credentials later, or when a credential is read.
 */
export interface UsageJournal extends UsageStore {
  /**
   * Adds all uses that were written before the call to their credentials, in short transactions. Calls run one at a
   * time. Uses that remain after `timeBudgetMs` milliseconds are left to the next call.
   */
  addToCredentials(timeBudgetMs?: number): Promise<void>;
  /** Number of credentials in the stored chunks. A credential in several chunks counts several times. */
  pendingCredentials(): number;
}

/** A longer transaction is followed by smaller transactions, because other writers wait for it. */
const MAX_TRANSACTION_MS = 100;
const MAX_CHUNKS_PER_TRANSACTION = 64;

/** Creates a journal that counts a chunk once, even if it is sent again. */
export async function createUsageJournal(store: Store): Promise<UsageJournal> {
  let pendingCount = await countPendingCredentials(store.read);
  let maxChunks = 1;
  let runningCall: Promise<void> | null = null;

  async function addAll(timeBudgetMs: number): Promise<void> {
    const end = performance.now() + timeBudgetMs;
    let hasMoreChunks = true;
    while (hasMoreChunks && performance.now() < end) {
      const chunkLimit = maxChunks;
      const startedAt = performance.now();
      const { chunks, credentials } = await store.transaction((trx) => addChunksToCredentials(trx, chunkLimit));
      const elapsedMs = performance.now() - startedAt;
      maxChunks =
        elapsedMs > MAX_TRANSACTION_MS
          ? Math.max(1, Math.floor(chunkLimit / 2))
          : Math.min(MAX_CHUNKS_PER_TRANSACTION, chunkLimit * 2);
      pendingCount = Math.max(0, pendingCount - credentials);
      hasMoreChunks = chunks === chunkLimit;
    }
  }

  return {
    async addUses(nodeId, number, uses) {
      const isNew = await store.transaction(async (trx) => {
        if (!(await recordChunkNumber(trx, nodeId, number))) return false;
        await insertUsageChunk(trx, nodeId, number, uses);
        return true;
      });
      if (isNew) pendingCount += uses.length;
    },
    async addToCredentials(timeBudgetMs = Number.POSITIVE_INFINITY) {
      // A running call may have started before the uses that the caller needs were written.
      if (runningCall !== null) await runningCall.catch(() => undefined);
      runningCall ??= addAll(timeBudgetMs).finally(() => {
        runningCall = null;
      });
      await runningCall;
    },
    pendingCredentials: () => pendingCount,
  };
}
