import { Problem } from '../contract/problem.ts';
import type { QuotaName } from '../contract/quotas.ts';
import { spendQuota } from '../store/quotas.ts';
import type { Trx } from '../store/store.ts';

/** What a principal sends, such as events or error reports. */
export interface Sent {
  readonly workspaceId: string;
  /** The id of the person or credential that sends. */
  readonly sender: string;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
}
const keyOf = ({ workspaceId, sender }: Sent) => `${workspaceId} ${sender}`;

/** Who is known to be over a quota at a time; the one noted longest ago is forgotten first. */
const KEPT = 10_000;

/** A quota of what principals send, used in the transactions that store it. */
export function createSenderQuota(name: QuotaName) {
  const over = new Map<string, { readonly problem: Problem; readonly until: number }>();
  return {
    /** Throws `quota_exceeded` for who is known to be over the quota, without a write. */
    check(sent: Sent): void {
      const known = over.get(keyOf(sent));
      if (known === undefined) return;
      if (known.until > sent.receivedAt) throw known.problem;
      over.delete(keyOf(sent));
    },
    /** Remembers who is over the quota; for what `use` threw. */
    note(sent: Sent, error: unknown): void {
      if (!(error instanceof Problem) || error.code !== 'quota_exceeded') return;
      over.set(keyOf(sent), { problem: error, until: sent.receivedAt + (error.facts.retryAfter ?? 0) * 1000 });
      const [oldest] = over.keys();
      if (over.size > KEPT && oldest !== undefined) over.delete(oldest);
    },
    /** Uses the quota of each sender. Throws `quota_exceeded`. In one order everywhere, so that no two nodes hold each other up. */
    async use<Item extends Sent>(trx: Trx, items: readonly Item[], sizeOf: (item: Item) => number): Promise<void> {
      const counts = new Map<string, { count: number; at: number }>();
      for (const item of items) {
        const before = counts.get(keyOf(item));
        counts.set(keyOf(item), { count: (before?.count ?? 0) + sizeOf(item), at: item.receivedAt });
      }
      const sorted = [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
      for (const [subject, { count, at }] of sorted) await spendQuota(trx, name, subject, at, count);
    },
  };
}
