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

/** What was revoked after a number, and the newest revocation; one instant of the store. */
export interface RevocationPage {
  readonly head: RevocationPoint;
  /** The id of the revocation with the number asked for; empty where there is none, or none any more. */
  readonly base: string;
  /** In order, from the oldest that is kept; at most as many as were asked for. */
  readonly revocations: readonly Revocation[];
}

export interface RevocationReader {
  readHead(): Promise<RevocationPoint>;
  readAfter(number: number, limit: number): Promise<RevocationPage>;
}

/** What a node has confirmed. `workspaceId`: the one that a guard judges for, null for a server. */
export interface Confirmation {
  readonly id: string;
  readonly workspaceId: string | null;
  readonly confirmed: number;
  /** Milliseconds. */
  readonly bound: number;
  /** Those who wait for confirmations are woken at the commit. */
  readonly moved: boolean;
}

/** A transaction in which the counter, once locked, can't move until it ends. */
export interface LeaseRenewal extends RevocationReader {
  /** Locks the counter's row for share and reads the newest revocation. */
  lockCounter(): Promise<RevocationPoint>;
  /**
   * Writes what the node has confirmed and a lease of `bound` milliseconds by the store's clock; neither
   * ever goes back. Tells whether it did: it does not for one guard more than a workspace may have.
   */
  grant(confirmation: Confirmation): Promise<boolean>;
}

/** A node that may be judging from memory. */
export interface LiveNode {
  readonly id: string;
  readonly workspaceId: string | null;
  /** Of a guard to which nothing after it matters: the counter. */
  readonly confirmed: number;
  /** Milliseconds until its lease runs out, by the store's clock; above 0. */
  readonly remainingMs: number;
}

/** The leases at one instant of the store. */
export interface LeaseSnapshot {
  readonly history: string;
  readonly live: readonly LiveNode[];
  /** The ids of awaited revocations that this store does not have: it went back to before them. */
  readonly lost: readonly string[];
}

/** A revocation that was committed. */
export type CommittedRevocation = Pick<Revocation, 'number' | 'id'>;

/** What the protocol needs of the store. Every method rejects when it can't be reached. */
export interface NodeStore extends RevocationReader {
  /** All of `work` is there when this resolves; when it rejects, nobody knows. */
  renewal(work: (renewal: LeaseRenewal) => Promise<void>): Promise<void>;
  /** The servers and those workspaces' guards (null: all) whose lease ends after the store's clock. */
  readLeases(workspaceIds: readonly string[] | null, awaited: readonly CommittedRevocation[]): Promise<LeaseSnapshot>;
  /** Wakes the nodes: there is something to read. Only a hint; it may be lost. */
  notifyNodes(): Promise<void>;
  /** Takes a node's lease away. */
  releaseLease(id: string): Promise<void>;
}

export interface ClusterNode extends Lease {
  /** The wall clock as it was last looked at: right after `holds`, now. */
  lastWallTime(): number;
  /** Takes the first lease; from then on it renews itself. Throws `unavailable` when the store can't be reached. */
  start(): Promise<void>;
  /** Something was revoked, here or elsewhere: reads it at once. */
  catchUpNow(): void;
  /** Another node has confirmed something: looks whether somebody's wait is over. */
  checkConfirmations(): void;
  /**
   * Resolves when no node can accept what was revoked any more: each has confirmed, or its lease has
   * run out. Rejects with `unavailable` when that can't be found out in time.
   */
  waitForConfirmation(revocation: CommittedRevocation & Pick<Revocation, 'workspaceId'>): Promise<RevocationReceipt>;
  /** The same for all that was revoked before the call, by whomever: in one workspace, or with null in all. */
  waitForAllConfirmations(workspaceId: string | null): Promise<RevocationReceipt>;
  /** Ends the lease, here first and then in the store. */
  stop(): Promise<void>;
}

/** Revocations read at a time. */
const MAX_REVOCATIONS_PER_PAGE = 1000;
/** How long the first lease is tried for, milliseconds. */
const START_TIMEOUT_MS = 15_000;

async function catchUp(reader: RevocationReader, following: RevocationFollower): Promise<RevocationPoint> {
  for (;;) {
    if (following.applied() === null) following.reset(await reader.readHead());
    const from = following.applied();
    if (from === null) throw new Error('No revocation point was applied.');
    const { head, base, revocations } = await reader.readAfter(from.number, MAX_REVOCATIONS_PER_PAGE);
    const isOurs = head.history === from.history && base === from.id;
    const gapAt = isOurs ? revocations.findIndex(({ number }, index) => number !== from.number + 1 + index) : 0;
    const known = gapAt === -1 ? revocations : revocations.slice(0, gapAt);
    const last = known.at(-1);
    const next = last === undefined ? from : { history: from.history, number: last.number, id: last.id };
    following.apply(known, next);
    if (isSamePoint(next, head)) return next;
    const gap = gapAt !== -1 || revocations.length < MAX_REVOCATIONS_PER_PAGE;
    if (gap) following.reset(head);
    if (gap) return head;
  }
}

/** One server among those that share a store. */
export function createClusterNode(options: {
  /** New at every start of a process. */
  id: string;
  store: NodeStore;
  registry: Pick<RecordRegistry, 'apply' | 'clear'>;
  /** Milliseconds that a frozen or cut-off node may delay an answer, and that judgements survive without a store. */
  bound: number;
  /** Nobody has signed up at the store: nobody can hold a lease on it. */
  isNew: boolean;
  clocks: Clocks;
  schedule: ScheduleTimer;
  random: () => number;
  onError: (error: unknown) => void;
}): ClusterNode {
  const { id, store, bound, isNew, clocks, schedule, onError } = options;
  const revocationBarrier = createRevocationBarrier({ store, bound, isNew, clocks, schedule });
  let confirmed: number | null = null;

  async function renew(following: RevocationFollower): Promise<{ bound: number }> {
    let point = await catchUp(store, following);
    await store.renewal(async (renewal) => {
      const head = await renewal.lockCounter();
      if (!isSamePoint(point, head)) point = await catchUp(renewal, following);
      if (!isSamePoint(point, head)) throw new Error('The revocation counter changed while it was locked.');
      const { number } = point;
      await renewal.grant({ id, workspaceId: null, confirmed: number, bound, moved: number !== confirmed });
    });
    confirmed = point.number;
    revocationBarrier.observeHistory(point.history);
    return { bound };
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
