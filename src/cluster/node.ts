import {
  type Clocks,
  createLease,
  isSamePoint,
  type RevocationFollower,
  type RevocationPoint,
  type ScheduleTimer,
} from '../authorization/lease.ts';
import type { Lease, RecordRegistry, Revocation, RevocationReceipt } from '../authorization/registry.ts';
import { Problem } from '../contract/problem.ts';
import { createRevocationBarrier } from './revocation-barrier.ts';

/** The revocations after a given number and the newest revocation, from one snapshot of the store. */
export interface RevocationPage {
  readonly head: RevocationPoint;
  /** The ID of the revocation with the given number; empty if it does not exist or was pruned. */
  readonly base: string;
  /** Oldest first, without pruned revocations, at most `limit`. */
  readonly revocations: readonly Revocation[];
}

export interface RevocationReader {
  readHead(): Promise<RevocationPoint>;
  readAfter(number: number, limit: number): Promise<RevocationPage>;
}

/** What a heartbeat stores for a node: the newest revocation that it has applied, and its new lease. */
export interface Confirmation {
  /** The ID of the node. */
  readonly id: string;
  /** The workspace of a guard; null for a Devpilot server. */
  readonly workspaceId: string | null;
  /** Number of the newest revocation that the node has applied. */
  readonly confirmed: number;
  /** Duration of the lease in milliseconds. */
  readonly leaseMs: number;
  /** Whether `confirmed` has increased since the node's previous lease; the commit then wakes waiting deletions. */
  readonly advanced: boolean;
}

/**
 * A transaction in which a lease is renewed. After it has locked the revocation counter, nothing can be revoked until
 * it ends.
 */
export interface LeaseRenewal extends RevocationReader {
  /** Locks the counter in share mode and resolves to the newest revocation. */
  lockCounter(): Promise<RevocationPoint>;
  /**
   * Stores the confirmation and a lease of `leaseMs` milliseconds by the store's clock. Neither the confirmed number
   * nor the end of the lease ever decreases. Resolves to false if the workspace has reached its maximum number of
   * guards.
   */
  grant(confirmation: Confirmation): Promise<boolean>;
}

/** A node that may decide from its cache, because its lease has not expired. */
export interface LiveNode {
  readonly id: string;
  readonly workspaceId: string | null;
  /** For a guard whose workspace has no later revocations, this is the newest number across all workspaces. */
  readonly confirmed: number;
  /** Milliseconds until the lease expires by the store's clock; always positive. */
  readonly remainingMs: number;
}

/** The leases, from one snapshot of the store. */
export interface LeaseSnapshot {
  readonly history: string;
  readonly live: readonly LiveNode[];
  /** The IDs of awaited revocations that the store has lost, for example in a failover. */
  readonly lost: readonly string[];
}

export type CommittedRevocation = Pick<Revocation, 'number' | 'id'>;

/** The store as the revocation protocol uses it. Every method rejects if the store cannot be reached. */
export interface NodeStore extends RevocationReader {
  /** Runs `work` in a transaction. Resolves after the commit; after a rejection the outcome is unknown. */
  runRenewal(work: (renewal: LeaseRenewal) => Promise<void>): Promise<void>;
  /**
   * Resolves to the unexpired leases of all servers and of the guards of these workspaces (of all guards if null), and
   * to the revocations in `awaited` that were lost.
   */
  readLeases(workspaceIds: readonly string[] | null, awaited: readonly CommittedRevocation[]): Promise<LeaseSnapshot>;
  /** Notifies the nodes of a revocation. Only a hint: notifications may be lost. */
  notifyNodes(): Promise<void>;
  /** Ends a node's lease. */
  releaseLease(id: string): Promise<void>;
}

export interface ClusterNode extends Lease {
  /** See `RenewingLease`. */
  lastWallTime(): number;
  /** Acquires the first lease, which then renews itself. Throws `unavailable` if that fails for 15 s. */
  start(): Promise<void>;
  /** Reads new revocations now. Must be called when any node has revoked something. */
  catchUpNow(): void;
  /**
   * Checks now which pending calls of `waitForConfirmation` can resolve. Must be called when another node has confirmed
   * revocations.
   */
  checkConfirmations(): void;
  /**
   * Resolves when no node can accept the revoked record any more: each node has confirmed the revocation, or its lease
   * has expired. Rejects with `unavailable` if that cannot be determined in time.
   */
  waitForConfirmation(revocation: CommittedRevocation & Pick<Revocation, 'workspaceId'>): Promise<RevocationReceipt>;
  /**
   * Like `waitForConfirmation`, for every revocation that any node committed before the call in one workspace, or in
   * all workspaces if null.
   */
  waitForAllConfirmations(workspaceId: string | null): Promise<RevocationReceipt>;
  /** Ends the lease, first in this process and then in the store. */
  stop(): Promise<void>;
}

/** Revocations per read. */
const MAX_REVOCATIONS_PER_PAGE = 1000;
const START_TIMEOUT_MS = 15_000;

/**
 * Applies all new revocations and resolves to the newest point. If some are missing or the database has another
 * history, clears the cache instead.
 */
async function catchUp(reader: RevocationReader, follower: RevocationFollower): Promise<RevocationPoint> {
  for (;;) {
    if (follower.applied() === null) follower.reset(await reader.readHead());
    const from = follower.applied();
    if (from === null) throw new Error('No revocation point was applied.');
    const { head, base, revocations } = await reader.readAfter(from.number, MAX_REVOCATIONS_PER_PAGE);
    const isKnownPoint = head.history === from.history && base === from.id;
    // From an unknown point, no revocation can be applied.
    const gapIndex = isKnownPoint
      ? revocations.findIndex(({ number }, index) => number !== from.number + 1 + index)
      : 0;
    const contiguous = gapIndex === -1 ? revocations : revocations.slice(0, gapIndex);
    const last = contiguous.at(-1);
    const reached = last === undefined ? from : { history: from.history, number: last.number, id: last.id };
    follower.apply(contiguous, reached);
    if (isSamePoint(reached, head)) return reached;
    // A page that is not full contains the newest revocation, unless it was pruned.
    const isAnyMissing = gapIndex !== -1 || revocations.length < MAX_REVOCATIONS_PER_PAGE;
    if (isAnyMissing) {
      follower.reset(head);
      return head;
    }
  }
}

/** Returns the lease and the revocation barrier of one of the servers that share a store. */
export function createClusterNode(options: {
  /** The node's ID. Must be new for every start of a process. */
  id: string;
  store: NodeStore;
  registry: Pick<RecordRegistry, 'apply' | 'clear'>;
  /**
   * Duration of a lease in milliseconds (`DEVPILOT_REVOCATION_BOUND`): how long a frozen or disconnected node can delay
   * a deletion, and how long this node can decide without the store.
   */
  leaseMs: number;
  /** Whether the store has no users yet, so that no other node can hold a lease. */
  isNew: boolean;
  clocks: Clocks;
  schedule: ScheduleTimer;
  random: () => number;
  onError: (error: unknown) => void;
}): ClusterNode {
  const { id, store, leaseMs, isNew, clocks, schedule, onError } = options;
  const revocationBarrier = createRevocationBarrier({ store, leaseMs, isNew, clocks, schedule });
  let confirmed: number | null = null;

  async function renew(follower: RevocationFollower): Promise<{ leaseMs: number }> {
    let point = await catchUp(store, follower);
    await store.runRenewal(async (renewal) => {
      const head = await renewal.lockCounter();
      if (!isSamePoint(point, head)) point = await catchUp(renewal, follower);
      if (!isSamePoint(point, head)) throw new Error('The revocation counter changed while it was locked.');
      const { number } = point;
      await renewal.grant({ id, workspaceId: null, confirmed: number, leaseMs, advanced: number !== confirmed });
    });
    confirmed = point.number;
    revocationBarrier.observeHistory(point.history);
    return { leaseMs };
  }

  const lease = createLease({ ...options, renew, onHeartbeat: revocationBarrier.checkConfirmations });

  return {
    holds: lease.holds,
    lastWallTime: lease.lastWallTime,
    catchUpNow: lease.renewNow,
    checkConfirmations: revocationBarrier.checkConfirmations,
    waitForConfirmation(revocation) {
      const receipt = revocationBarrier.waitForConfirmation(revocation, revocation.workspaceId);
      store.notifyNodes().catch(onError);
      lease.renewNow();
      return receipt;
    },
    async start() {
      if (await lease.start(START_TIMEOUT_MS)) return;
      await lease.stop();
      throw new Problem('unavailable', 'Could not acquire a lease from the database.', { retryAfter: 1 });
    },
    async waitForAllConfirmations(workspaceId) {
      return revocationBarrier.waitForConfirmation(await store.readHead(), workspaceId);
    },
    async stop() {
      await lease.stop();
      revocationBarrier.stop();
      await store.releaseLease(id);
    },
  };
}
