import { Problem } from '../contract/problem.ts';
import type { QuotaName } from '../contract/quotas.ts';
import { consumeQuota } from '../store/quotas.ts';
import type { Trx } from '../store/store.ts';

/** An event or error report that a principal (a person, credential or error key) sends. */
export interface SenderItem {
  readonly workspaceId: string;
  /** ID of the principal. */
  readonly sender: string;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
}

const senderKey = ({ workspaceId, sender }: SenderItem) => `${workspaceId} ${sender}`;

/** Maximum number of cached senders that have exceeded a quota; the oldest is evicted first. */
const MAX_CACHED_SENDERS = 10_000;

/** Creates a quota for items that principals send. The quota is consumed in the transactions that store the items. */
export function createSenderQuota(name: QuotaName) {
  const exceeded = new Map<string, { readonly problem: Problem; readonly until: number }>();
  return {
    /** Throws `quota_exceeded`, without a query, if the sender is cached as having exceeded the quota. */
    check(item: SenderItem): void {
      const cached = exceeded.get(senderKey(item));
      if (cached === undefined) return;
      if (cached.until > item.receivedAt) throw cached.problem;
      exceeded.delete(senderKey(item));
    },
    /** Caches a sender if `error`, with which storing the item failed, means that the sender has exceeded a quota. */
    recordExceeded(item: SenderItem, error: unknown): void {
      if (!(error instanceof Problem) || error.code !== 'quota_exceeded') return;
      exceeded.set(senderKey(item), {
        problem: error,
        until: item.receivedAt + (error.extensions.retryAfter ?? 0) * 1000,
      });
      const [oldest] = exceeded.keys();
      if (exceeded.size > MAX_CACHED_SENDERS && oldest !== undefined) exceeded.delete(oldest);
    },
    /**
     * Consumes the quota of each sender. The order is fixed, so that nodes cannot deadlock. Throws `quota_exceeded`.
     */
    async consume<Item extends SenderItem>(
      trx: Trx,
      items: readonly Item[],
      sizeOf: (item: Item) => number,
    ): Promise<void> {
      const counts = new Map<string, { count: number; receivedAt: number }>();
      for (const item of items) {
        const before = counts.get(senderKey(item));
        counts.set(senderKey(item), { count: (before?.count ?? 0) + sizeOf(item), receivedAt: item.receivedAt });
      }
      const sorted = [...counts].sort(([first], [second]) => (first < second ? -1 : 1));
      for (const [subject, { count, receivedAt }] of sorted) await consumeQuota(trx, name, subject, receivedAt, count);
    },
  };
}
