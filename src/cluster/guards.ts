import type { HeartbeatResponse, RevocationFeedPage } from '../authorization/guard-lease.ts';
import type { RevocationPoint, ScheduleTimer } from '../authorization/lease.ts';
import type { Digest, StoredCredential } from '../authorization/record.ts';
import type { Revocation, RevokedRecords } from '../authorization/registry.ts';
import { Problem } from '../contract/problem.ts';
import type { LeaseRenewal, NodeStore } from './node.ts';

/**
 * A guard's request for its lease. `applied` is the newest revocation that the guard has applied, null if its cache is
 * empty.
 */
export interface Heartbeat {
  readonly id: string;
  readonly workspaceId: string;
  readonly applied: RevocationPoint | null;
  /**
   * Whether the guard has applied revocations since its previous lease, in which case a deletion may be waiting for it.
   */
  readonly advanced: boolean;
}

/** The revocations of one workspace after a given number, from one snapshot of the store. */
export interface WorkspaceRevocations {
  readonly head: RevocationPoint;
  /** The ID of the revocation with the given number; empty if it does not exist or was pruned. */
  readonly base: string;
  /** Count of the stored revocations after the given number, across all workspaces. */
  readonly storedCount: number;
  readonly revocations: readonly Omit<Revocation, 'workspaceId'>[];
}

interface RevocationFeedReader {
  /** Resolves to at most `limit` revocations of one workspace after the number `after`, oldest first. */
  readWorkspace(workspaceId: string, after: number, limit: number): Promise<WorkspaceRevocations>;
}

/** A transaction in which the leases of guards are renewed; see `LeaseRenewal`. */
type GuardLeaseRenewal = RevocationFeedReader & Pick<LeaseRenewal, 'lockCounter' | 'grant'>;

export interface GuardStore extends RevocationFeedReader, Pick<NodeStore, 'releaseLease'> {
  /** Like `NodeStore.runRenewal`. */
  runGuardRenewal(work: (renewal: GuardLeaseRenewal) => Promise<void>): Promise<void>;
}

/** The server's side of the revocation protocol with guards. A guard can use a different server for each request. */
export interface Guards {
  /**
   * Grants a guard its lease if it has applied every revocation of its workspace; otherwise resolves to the missing
   * revocations. Rejects with `rate_limited` if the workspace has reached its maximum number of guards.
   */
  renewLease(heartbeat: Heartbeat): Promise<HeartbeatResponse>;
  /**
   * Long poll: resolves to the revocations of the workspace after `after` as soon as one has been committed or pruned.
   * Otherwise resolves to none after `LONG_POLL_MS`, or earlier if the guard starts another long poll or the server
   * stops.
   */
  waitForRevocations(
    guard: { readonly id: string; readonly workspaceId: string },
    after: RevocationPoint,
  ): Promise<RevocationFeedPage>;
  /** Resolves to the record of a credential; null if the workspace has no such credential. */
  findRecord(workspaceId: string, digest: Digest): Promise<StoredCredential | null>;
  /** Must be called when this server has applied a revocation; ends the long polls of the revocation's workspace. */
  onRevocation(revocation: RevokedRecords): void;
  /** Releases a guard's lease, so that revocations no longer wait for it. */
  releaseLease(id: string): Promise<void>;
  /** Ends all long polls. */
  stop(): void;
}

/** Revocations per response. */
const MAX_REVOCATIONS_PER_PAGE = 1000;
/** Heartbeats per transaction. Bounded, because the transaction's lock delays deletions. */
const MAX_HEARTBEATS_PER_TRANSACTION = 16;
/** Maximum duration of a long poll. */
const LONG_POLL_MS = 20_000;

/**
 * Returns the revocations after `after`. Numbers are gapless, so a missing number means that a revocation was pruned.
 */
async function readFeedPage(
  reader: RevocationFeedReader,
  workspaceId: string,
  after: RevocationPoint,
  limit: number,
): Promise<RevocationFeedPage> {
  const { head, base, storedCount, revocations } = await reader.readWorkspace(workspaceId, after.number, limit);
  const isKnownPoint = head.history === after.history && base === after.id;
  const last = revocations.at(-1);
  const isTruncated = last !== undefined && revocations.length >= limit;
  return {
    head,
    whole: isKnownPoint && storedCount === head.number - after.number,
    through: isTruncated ? { history: head.history, number: last.number, id: last.id } : head,
    revocations: revocations.map(({ number, digest }) => ({ number, digest })),
  };
}

interface WaitingGuard {
  readonly id: string;
  readonly workspaceId: string;
  readonly wake: () => void;
}

/**
 * The server's side of the revocation protocol with guards (`docs/adr/0011-guards-are-nodes.md`). A heartbeat only
 * compares revocation points and grants a lease, under the lock of the revocation counter, so any server can process
 * it. The long poll only makes guards apply revocations earlier; correctness does not depend on it.
 */
export function createGuards(options: {
  store: GuardStore;
  /**
   * Must read from the store, never from a cache, because a guard may have applied revocations that this server has
   * not.
   */
  read: (digest: Digest) => Promise<StoredCredential | null>;
  /** Duration of a lease in milliseconds. */
  leaseMs: number;
  schedule: ScheduleTimer;
}): Guards {
  const { store, read, leaseMs, schedule } = options;
  let queue: {
    readonly heartbeat: Heartbeat;
    readonly resolve: (response: HeartbeatResponse) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  let isProcessing = false;
  let stopped = false;
  const waitingGuards = new Map<string, WaitingGuard>();

  /** Returns a problem instead of throwing it, so that the other heartbeats of the transaction still succeed. */
  async function respondTo(renewal: GuardLeaseRenewal, head: RevocationPoint, heartbeat: Heartbeat) {
    const { id, workspaceId, applied, advanced } = heartbeat;
    // A guard with an empty cache has no record to remove.
    const feedPage =
      applied === null ? null : await readFeedPage(renewal, workspaceId, applied, MAX_REVOCATIONS_PER_PAGE);
    if (feedPage !== null && (!feedPage.whole || feedPage.revocations.length > 0))
      return { granted: false as const, ...feedPage };
    const isGranted = await renewal.grant({ id, workspaceId, confirmed: head.number, leaseMs, advanced });
    if (isGranted) return { granted: true as const, confirmed: head, bound: leaseMs, workspaceId };
    return new Problem('rate_limited', 'The workspace has reached its maximum number of guards.', { retryAfter: 10 });
  }

  async function runBatch(batch: typeof queue): Promise<void> {
    const responses: (HeartbeatResponse | Problem)[] = [];
    try {
      await store.runGuardRenewal(async (renewal) => {
        const head = await renewal.lockCounter();
        for (const { heartbeat } of batch) responses.push(await respondTo(renewal, head, heartbeat));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    batch.forEach(({ resolve, reject }, index) => {
      const response = responses[index];
      if (response === undefined || response instanceof Problem) reject(response ?? new Problem('internal'));
      else resolve(response);
    });
  }

  async function processQueue(): Promise<void> {
    if (isProcessing) return;
    isProcessing = true;
    while (queue.length > 0) {
      const batch = queue.slice(0, MAX_HEARTBEATS_PER_TRANSACTION);
      queue = queue.slice(MAX_HEARTBEATS_PER_TRANSACTION);
      await runBatch(batch);
    }
    isProcessing = false;
  }

  return {
    renewLease: (heartbeat) =>
      new Promise((resolve, reject) => {
        queue.push({ heartbeat, resolve, reject });
        void processQueue();
      }),
    async waitForRevocations({ id, workspaceId }, after) {
      // Each guard has one long poll: a new poll ends the previous poll.
      waitingGuards.get(id)?.wake();
      let cancelTimeout = () => {};
      const woken = new Promise<void>((resolve) => {
        const waitingGuard: WaitingGuard = {
          id,
          workspaceId,
          wake() {
            if (waitingGuards.get(id) === waitingGuard) waitingGuards.delete(id);
            cancelTimeout();
            resolve();
          },
        };
        waitingGuards.set(id, waitingGuard);
        cancelTimeout = schedule(LONG_POLL_MS, waitingGuard.wake);
        // The read starts only after the guard is registered, so that no revocation in between is missed.
        readFeedPage(store, workspaceId, after, 1).then(({ revocations, whole }) => {
          if (stopped || !whole || revocations.length > 0) waitingGuard.wake();
        }, waitingGuard.wake);
      });
      await woken;
      return readFeedPage(store, workspaceId, after, MAX_REVOCATIONS_PER_PAGE);
    },
    async findRecord(workspaceId, digest) {
      const credential = await read(digest);
      return credential?.workspaceId === workspaceId ? credential : null;
    },
    onRevocation({ workspaceId }) {
      for (const guard of waitingGuards.values()) if (guard.workspaceId === workspaceId) guard.wake();
    },
    releaseLease: (id) => store.releaseLease(id),
    stop() {
      stopped = true;
      for (const guard of waitingGuards.values()) guard.wake();
    },
  };
}
