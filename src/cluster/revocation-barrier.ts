import type { Clocks, ScheduleTimer } from '../authorization/lease.ts';
import type { RevocationReceipt } from '../authorization/registry.ts';
import { Problem } from '../contract/problem.ts';
import type { CommittedRevocation, LeaseSnapshot, LiveNode, NodeStore } from './node.ts';

/** Nobody's confirmation is waited for longer than this before looking again, milliseconds. */
const POLL_INTERVAL_MS = 25;
/** How long the store may be out of reach before whoever waits is told that nothing is known. */
const STORE_TIMEOUT_MS = 15_000;

interface Waiter {
  readonly revocation: CommittedRevocation;
  /** Whose guards it waits for; null for everybody's. */
  readonly workspaceId: string | null;
  readonly sinceMs: number;
  /** The most nodes with a lease that were seen while it waited. */
  nodes: number;
  readonly resolve: (receipt: RevocationReceipt) => void;
  readonly reject: (error: unknown) => void;
}

export interface RevocationBarrier {
  /**
   * Resolves when every server and every guard of the workspace (null: of any) with a lease has confirmed the
   * revocation. Rejects with `unavailable` when that cannot be found out in time, or the store has lost it.
   */
  waitForConfirmation(revocation: CommittedRevocation, workspaceId: string | null): Promise<RevocationReceipt>;
  /** Tells which history the store is in. */
  observeHistory(history: string): void;
  /** Looks now. */
  checkConfirmations(): void;
  stop(): void;
}

/**
 * Waits for the confirmations of others. All who wait share one look at the nodes, and only at a look
 * that began after they came: what was read before their commit proves nothing. A database that came back
 * older than it was does not know the last leases that were granted: a history that this process has not
 * seen for a whole bound may have such leases, and nobody is answered before they have run out.
 */
export function createRevocationBarrier(options: {
  store: Pick<NodeStore, 'readLeases'>;
  bound: number;
  /** Nobody can hold a lease that the first history seen does not know. */
  isNew: boolean;
  clocks: Pick<Clocks, 'monotonic'>;
  schedule: ScheduleTimer;
}): RevocationBarrier {
  const { store, bound, isNew, clocks, schedule } = options;
  let history: string | null = null;
  /** When forgotten leases have run out, on the monotonic clock. */
  let allLeasesKnownAt = Number.POSITIVE_INFINITY;
  let waiting: Waiter[] = [];
  let isChecking = false;
  let checkAgain = false;
  let cancel = () => {};

  function unconfirmedProblem(cause?: unknown): Problem {
    const detail = 'The change was saved but not every node has confirmed it yet. Retry to check.';
    return new Problem('unavailable', detail, { retryAfter: 1, cause });
  }

  function observeHistory(seen: string): void {
    if (seen === history) return;
    allLeasesKnownAt = history === null && isNew ? clocks.monotonic() : clocks.monotonic() + bound;
    history = seen;
  }

  /** Answers those whose wait is over, and returns the others. */
  function resolveConfirmed(waiters: readonly Waiter[], { live: all, lost }: LeaseSnapshot): Waiter[] {
    return waiters.filter((waiter) => {
      if (lost.includes(waiter.revocation.id)) {
        waiter.reject(
          new Problem('unavailable', 'The database lost this change in a failover. Try again.', { retryAfter: 1 }),
        );
        return false;
      }
      if (clocks.monotonic() < allLeasesKnownAt) return true;
      const live = all.filter((node) => isAwaitedBy(node, waiter));
      waiter.nodes = Math.max(waiter.nodes, live.length);
      const confirmed = live.filter((node) => node.confirmed >= waiter.revocation.number).length;
      if (confirmed < live.length) return true;
      const ms = Math.round(clocks.monotonic() - waiter.sinceMs);
      waiter.resolve({ nodes: waiter.nodes, confirmed, ms });
      return false;
    });
  }

  /** Another workspace's guards hold nobody up here, however slow they are. */
  const isAwaitedBy = (node: LiveNode, { workspaceId }: Waiter) =>
    node.workspaceId === null || workspaceId === null || node.workspaceId === workspaceId;

  function rejectTimedOut(waiters: readonly Waiter[], cause: unknown): Waiter[] {
    return waiters.filter((waiter) => {
      if (clocks.monotonic() - waiter.sinceMs < bound + STORE_TIMEOUT_MS) return true;
      waiter.reject(unconfirmedProblem(cause));
      return false;
    });
  }

  async function checkOnce(): Promise<void> {
    const batch = waiting;
    waiting = [];
    let stillWaiting: Waiter[];
    let pauseMs = POLL_INTERVAL_MS;
    try {
      const workspaceIds = batch.map(({ workspaceId }) => workspaceId).filter((id) => id !== null);
      const snapshot = await store.readLeases(
        workspaceIds.length < batch.length ? null : [...new Set(workspaceIds)],
        batch.map(({ revocation }) => revocation),
      );
      observeHistory(snapshot.history);
      stillWaiting = resolveConfirmed(batch, snapshot);
      const uncertain = allLeasesKnownAt - clocks.monotonic();
      pauseMs =
        uncertain > 0 ? uncertain : Math.min(POLL_INTERVAL_MS, ...snapshot.live.map((node) => node.remainingMs + 1));
    } catch (error) {
      stillWaiting = rejectTimedOut(batch, error);
    }
    waiting = [...stillWaiting, ...waiting];
    if (waiting.length > 0) cancel = schedule(Math.max(1, pauseMs), checkConfirmations);
  }

  function checkConfirmations(): void {
    if (isChecking) checkAgain = true;
    if (isChecking || waiting.length === 0) return;
    cancel();
    isChecking = true;
    void checkOnce().then(() => {
      isChecking = false;
      if (!checkAgain) return;
      checkAgain = false;
      checkConfirmations();
    });
  }

  return {
    observeHistory,
    waitForConfirmation(revocation, workspaceId) {
      return new Promise((resolve, reject) => {
        waiting.push({ revocation, workspaceId, sinceMs: clocks.monotonic(), nodes: 0, resolve, reject });
        checkConfirmations();
      });
    },
    checkConfirmations,
    stop() {
      cancel();
      for (const waiter of waiting) waiter.reject(unconfirmedProblem());
      waiting = [];
    },
  };
}
