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

/** The revocations after a number, and the newest one, from one snapshot of the store. */
export interface RevocationPage {
  readonly head: RevocationPoint;
  /** The id of the revocation with the requested number; empty if it does not exist or was pruned. */
  readonly base: string;
  /** Oldest first, without those that were pruned; at most as many as requested. */
  readonly revocations: readonly Revocation[];
}

export interface RevocationReader {
  readHead(): Promise<RevocationPoint>;
  readAfter(number: number, limit: number): Promise<RevocationPage>;
}

/** The revocations a node has confirmed. `workspaceId`: the workspace of a guard, null for a server. */
export interface Confirmation {
  readonly id: string;
  readonly workspaceId: string | null;
  readonly confirmed: number;
  /** Duration of the lease in milliseconds. */
  readonly leaseMs: number;
  /** Whether `confirmed` has increased since the last heartbeat; the commit then wakes waiting deletions. */
  readonly advanced: boolean;
}

/** A transaction. Once it has locked the revocation counter, nothing can be revoked until it ends. */
export interface LeaseRenewal extends RevocationReader {
  /** Locks the counter for share and resolves to the newest revocation. */
  lockCounter(): Promise<RevocationPoint>;
  /**
   * Stores the confirmation and a lease of `leaseMs` milliseconds by the store's clock; neither ever decreases. Resolves
   * to false if the workspace has reached its maximum number of guards.
   */
  grant(confirmation: Confirmation): Promise<boolean>;
}

/** A node that may be deciding from its cache. */
export interface LiveNode {
  readonly id: string;
  readonly workspaceId: string | null;
  /** For a guard without later revocations in its workspace this is the newest number of all. */
  readonly confirmed: number;
  /** Milliseconds until its lease expires, by the store's clock; always positive. */
  readonly remainingMs: number;
}

/** The leases, from one snapshot of the store. */
export interface LeaseSnapshot {
  readonly history: string;
  readonly live: readonly LiveNode[];
  /** The ids of awaited revocations that the store has lost, for instance in a failover. */
  readonly lost: readonly string[];
}

export type CommittedRevocation = Pick<Revocation, 'number' | 'id'>;

/** The store as the lease protocol uses it. Every method rejects if the store cannot be reached. */
export interface NodeStore extends RevocationReader {
  /** Runs `work` in a transaction. Resolves after the commit; after a rejection the outcome is unknown. */
  renewal(work: (renewal: LeaseRenewal) => Promise<void>): Promise<void>;
  /** Resolves to the unexpired leases of all servers and of the guards of these workspaces (null: of all). */
  readLeases(workspaceIds: readonly string[] | null, awaited: readonly CommittedRevocation[]): Promise<LeaseSnapshot>;
  /** Notifies the nodes of a revocation. Only a hint: notifications may be lost. */
  notifyNodes(): Promise<void>;
  /** Ends a node's lease. */
  releaseLease(id: string): Promise<void>;
}

export interface ClusterNode extends Lease {
  /** As in `RenewingLease`. */
  lastWallTime(): number;
  /** Acquires the first lease, which then renews itself. Throws `unavailable` if that fails for 15 s. */
  start(): Promise<void>;
  /** Reads new revocations now. Must be called when any node has revoked something. */
  catchUpNow(): void;
  /**
   * Checks now which calls of `waitForConfirmation` can resolve. Must be called when another node has confirmed
   * revocations.
   */
  checkConfirmations(): void;
  /**
   * Resolves when no node can accept the revoked record any more: each has confirmed the revocation, or its lease has
   * expired. Rejects with `unavailable` if that cannot be determined in time.
   */
  waitForConfirmation(revocation: CommittedRevocation & Pick<Revocation, 'workspaceId'>): Promise<RevocationReceipt>;
  /**
   * Like `waitForConfirmation`, for every revocation that any node committed before the call in one workspace (null: in
   * all).
   */
  waitForAllConfirmations(workspaceId: string | null): Promise<RevocationReceipt>;
  /** Ends the lease, first in this process and then in the store. */
  stop(): Promise<void>;
}

/** Revocations per read. */
const MAX_REVOCATIONS_PER_PAGE = 1000;
const START_TIMEOUT_MS = 15_000;

async function catchUp(reader: RevocationReader, follower: RevocationFollower): Promise<RevocationPoint> {
  for (;;) {
    if (follower.applied() === null) follower.reset(await reader.readHead());
    const from = follower.applied();
    if (from === null) throw new Error('No revocation point was applied.');
    const { head, base, revocations } = await reader.readAfter(from.number, MAX_REVOCATIONS_PER_PAGE);
    const isOurs = head.history === from.history && base === from.id;
    const gapAt = isOurs ? revocations.findIndex(({ number }, index) => number !== from.number + 1 + index) : 0;
    const known = gapAt === -1 ? revocations : revocations.slice(0, gapAt);
    const last = known.at(-1);
    const next = last === undefined ? from : { history: from.history, number: last.number, id: last.id };
    follower.apply(known, next);
    if (isSamePoint(next, head)) return next;
    const gap = gapAt !== -1 || revocations.length < MAX_REVOCATIONS_PER_PAGE;
    if (gap) follower.reset(head);
    if (gap) return head;
  }
}

/** Returns the lease and the revocation barrier of one server among those that share a store. */
export function createClusterNode(options: {
  /** Must be new for every start of a process. */
  id: string;
  store: NodeStore;
  registry: Pick<RecordRegistry, 'apply' | 'clear'>;
  /**
   * Duration of a lease in milliseconds (`DEVPILOT_REVOCATION_BOUND`): how long a frozen or disconnected node can delay
   * a deletion, and how long this node can decide without the store.
   */
  leaseMs: number;
  /** The store has no users yet, so no other node can hold a lease. */
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
    await store.renewal(async (renewal) => {
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
