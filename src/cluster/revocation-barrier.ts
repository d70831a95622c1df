import type { Clocks, ScheduleTimer } from '../authorization/lease.ts';
import type { RevocationReceipt } from '../authorization/registry.ts';
import { Problem } from '../contract/problem.ts';
import type { CommittedRevocation, LeaseSnapshot, LiveNode, NodeStore } from './node.ts';

/** Maximum time between two reads of the leases while a call waits. */
const POLL_INTERVAL_MS = 25;
/** While the store cannot be reached, a wait fails after the duration of a lease plus this time. */
const STORE_TIMEOUT_MS = 15_000;

interface Waiter {
  readonly revocation: CommittedRevocation;
  /** The workspace whose guards are awaited; null for all guards. */
  readonly workspaceId: string | null;
  readonly sinceMs: number;
  /** The highest number of nodes with a lease during the wait. */
  nodes: number;
  readonly resolve: (receipt: RevocationReceipt) => void;
  readonly reject: (error: unknown) => void;
}

export interface RevocationBarrier {
  /**
   * Resolves when every server and every guard of the workspace (of any workspace if null) that holds a lease has
   * confirmed the revocation. Rejects with `unavailable` if that cannot be determined in time or the store has lost the
   * revocation.
   */
  waitForConfirmation(revocation: CommittedRevocation, workspaceId: string | null): Promise<RevocationReceipt>;
  /** Must be called with the history of the store at each heartbeat. */
  observeHistory(history: string): void;
  /** Reads the leases now, unless no call is waiting. */
  checkConfirmations(): void;
  /** Rejects all waits with `unavailable`. Waits for which the leases are being read are settled after that read. */
  stop(): void;
}

/**
 * Waits until other nodes have confirmed revocations (`docs/adr/0010-leases-and-revocation.md`). All waits share one
 * read of the leases, but a wait uses only reads that began after it, because an earlier read may precede the commit. A
 * database that lost its last commits may also have lost leases. After a new history is seen, no wait resolves until
 * such leases must have expired (`docs/adr/0022-revocation-history-id.md`).
 */
export function createRevocationBarrier(options: {
  store: Pick<NodeStore, 'readLeases'>;
  /** Duration of a lease in milliseconds. */
  leaseMs: number;
  /** Whether the store has no users yet, so that the first history seen cannot have lost leases. */
  isNew: boolean;
  clocks: Pick<Clocks, 'monotonic'>;
  schedule: ScheduleTimer;
}): RevocationBarrier {
  const { store, leaseMs, isNew, clocks, schedule } = options;
  let history: string | null = null;
  /** When all leases that the database may have lost will have expired, on the monotonic clock. */
  let lostLeasesExpiredAt = Number.POSITIVE_INFINITY;
  let waiting: Waiter[] = [];
  let isChecking = false;
  let checkAgain = false;
  let isStopped = false;
  let cancelTimer = () => {};

  function rejectAll(): void {
    for (const waiter of waiting) waiter.reject(unconfirmedProblem());
    waiting = [];
  }

  function unconfirmedProblem(cause?: unknown): Problem {
    const detail =
      'The change was saved, but not every node and guard has confirmed it yet. Send the request again to wait for the confirmation.';
    return new Problem('unavailable', detail, { retryAfter: 1, cause });
  }

  function observeHistory(observed: string): void {
    if (observed === history) return;
    lostLeasesExpiredAt = history === null && isNew ? clocks.monotonic() : clocks.monotonic() + leaseMs;
    history = observed;
  }

  /** Settles the waits that are over and returns the remaining waits. */
  function settleDecided(waiters: readonly Waiter[], { live: allLive, lost }: LeaseSnapshot): Waiter[] {
    return waiters.filter((waiter) => {
      if (lost.includes(waiter.revocation.id)) {
        waiter.reject(
          new Problem('unavailable', 'The database lost this change in a failover. Try again.', { retryAfter: 1 }),
        );
        return false;
      }
      if (clocks.monotonic() < lostLeasesExpiredAt) return true;
      const live = allLive.filter((node) => isAwaitedBy(node, waiter));
      waiter.nodes = Math.max(waiter.nodes, live.length);
      const confirmed = live.filter((node) => node.confirmed >= waiter.revocation.number).length;
      if (confirmed < live.length) return true;
      const ms = Math.round(clocks.monotonic() - waiter.sinceMs);
      waiter.resolve({ nodes: waiter.nodes, confirmed, ms });
      return false;
    });
  }

  /** Ignores the guards of other workspaces, so that slow guards delay only their own workspace. */
  const isAwaitedBy = (node: LiveNode, { workspaceId }: Waiter) =>
    node.workspaceId === null || workspaceId === null || node.workspaceId === workspaceId;

  function rejectTimedOut(waiters: readonly Waiter[], cause: unknown): Waiter[] {
    return waiters.filter((waiter) => {
      if (clocks.monotonic() - waiter.sinceMs < leaseMs + STORE_TIMEOUT_MS) return true;
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
      stillWaiting = settleDecided(batch, snapshot);
      const lostLeasesMs = lostLeasesExpiredAt - clocks.monotonic();
      pauseMs =
        lostLeasesMs > 0
          ? lostLeasesMs
          : Math.min(POLL_INTERVAL_MS, ...snapshot.live.map((node) => node.remainingMs + 1));
    } catch (error) {
      stillWaiting = rejectTimedOut(batch, error);
    }
    waiting = [...stillWaiting, ...waiting];
    if (isStopped) rejectAll();
    if (waiting.length > 0) cancelTimer = schedule(Math.max(1, pauseMs), checkConfirmations);
  }

  function checkConfirmations(): void {
    if (isChecking) checkAgain = true;
    if (isChecking || waiting.length === 0) return;
    cancelTimer();
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
      isStopped = true;
      cancelTimer();
      rejectAll();
    },
  };
}
