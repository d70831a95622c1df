import { Problem } from '../contract/problem.ts';
import { type Clocks, createLease, type Following, isSamePoint, type Point, type Schedule } from './lease.ts';
import type { Lease, Registry, Revocation } from './registry.ts';
import { createSettling } from './settling.ts';
import type { Receipt } from './store.ts';

/** What was revoked after a number, and the newest revocation; one instant of the store. */
export interface Caught {
  readonly head: Point;
  /** The id of the revocation with the number asked for; empty where there is none, or none any more. */
  readonly base: string;
  /** In order, from the oldest that is kept; at most as many as were asked for. */
  readonly revocations: readonly Revocation[];
}

export interface RevocationReader {
  readHead(): Promise<Point>;
  readAfter(number: number, limit: number): Promise<Caught>;
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
export interface Renewal extends RevocationReader {
  /** Locks the counter's row for share and reads the newest revocation. */
  lockCounter(): Promise<Point>;
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
  readonly left: number;
}

/** The leases at one instant of the store. */
export interface Look {
  readonly history: string;
  readonly live: readonly LiveNode[];
  /** The ids of awaited revocations that this store does not have: it went back to before them. */
  readonly lost: readonly string[];
}

/** A revocation that was committed. */
export type Numbered = Pick<Revocation, 'number' | 'id'>;

/** What the protocol needs of the store. Every method rejects when it can't be reached. */
export interface NodeStore extends RevocationReader {
  /** All of `work` is there when this resolves; when it rejects, nobody knows. */
  renewal(work: (renewal: Renewal) => Promise<void>): Promise<void>;
  /** The servers and those workspaces' guards (null: all) whose lease ends after the store's clock. */
  look(workspaceIds: readonly string[] | null, awaited: readonly Numbered[]): Promise<Look>;
  /** Wakes the nodes: there is something to read. Only a hint; it may be lost. */
  wake(): Promise<void>;
  /** Takes a node's lease away. */
  giveUp(id: string): Promise<void>;
}

export interface Node extends Lease {
  /** The wall clock as it was last looked at: right after `holds`, now. */
  looked(): number;
  /** Takes the first lease; from then on it renews itself. Throws `unavailable` when the store can't be reached. */
  start(): Promise<void>;
  /** Something was revoked, here or elsewhere: reads it at once. */
  wake(): void;
  /** Another node has confirmed something: looks whether somebody's wait is over. */
  look(): void;
  /**
   * Resolves when no node can accept what was revoked any more: each has confirmed, or its lease has
   * run out. Rejects with `unavailable` when that can't be found out in time.
   */
  settle(revocation: Numbered & Pick<Revocation, 'workspaceId'>): Promise<Receipt>;
  /** The same for all that was revoked before the call, by whomever: in one workspace, or with null in all. */
  settleAll(workspaceId: string | null): Promise<Receipt>;
  /** Ends the lease, here first and then in the store. */
  stop(): Promise<void>;
}

/** Revocations read at a time. */
const PAGE = 1000;
/** How long the first lease is tried for, milliseconds. */
const START_PATIENCE = 15_000;

async function catchUp(reader: RevocationReader, following: Following): Promise<Point> {
  for (;;) {
    if (following.applied() === null) following.startOver(await reader.readHead());
    const from = following.applied();
    if (from === null) throw new Error('Nothing was applied.');
    const { head, base, revocations } = await reader.readAfter(from.number, PAGE);
    const isOurs = head.history === from.history && base === from.id;
    const gapAt = isOurs ? revocations.findIndex(({ number }, at) => number !== from.number + 1 + at) : 0;
    const known = gapAt === -1 ? revocations : revocations.slice(0, gapAt);
    const last = known.at(-1);
    const next = last === undefined ? from : { history: from.history, number: last.number, id: last.id };
    following.apply(known, next);
    if (isSamePoint(next, head)) return next;
    const gap = gapAt !== -1 || revocations.length < PAGE;
    if (gap) following.startOver(head);
    if (gap) return head;
  }
}

/** One server among those that share a store. */
export function createNode(options: {
  /** New at every start of a process. */
  id: string;
  store: NodeStore;
  registry: Pick<Registry, 'apply' | 'clear'>;
  /** Milliseconds that a frozen or cut-off node may delay an answer, and that judgements survive without a store. */
  bound: number;
  /** Nobody has signed up at the store: nobody can hold a lease on it. */
  isNew: boolean;
  clocks: Clocks;
  schedule: Schedule;
  random: () => number;
  onError: (error: unknown) => void;
}): Node {
  const { id, store, bound, isNew, clocks, schedule, onError } = options;
  const settling = createSettling({ store, bound, isNew, clocks, schedule });
  let confirmed: number | null = null;

  async function renew(following: Following): Promise<{ bound: number }> {
    let point = await catchUp(store, following);
    await store.renewal(async (renewal) => {
      const head = await renewal.lockCounter();
      if (!isSamePoint(point, head)) point = await catchUp(renewal, following);
      if (!isSamePoint(point, head)) throw new Error('The counter moved under its lock.');
      const { number } = point;
      await renewal.grant({ id, workspaceId: null, confirmed: number, bound, moved: number !== confirmed });
    });
    confirmed = point.number;
    settling.see(point.history);
    return { bound };
  }

  const lease = createLease({ ...options, renew, onBeat: settling.look });

  return {
    holds: lease.holds,
    looked: lease.looked,
    wake: lease.wake,
    look: settling.look,
    settle(revocation) {
      const receipt = settling.settle(revocation, revocation.workspaceId);
      store.wake().catch(onError);
      lease.wake();
      return receipt;
    },
    async start() {
      if (await lease.start(START_PATIENCE)) return;
      await lease.stop();
      throw new Problem('unavailable', 'The store gave no lease.', { retryAfter: 1 });
    },
    async settleAll(workspaceId) {
      return settling.settle(await store.readHead(), workspaceId);
    },
    async stop() {
      await lease.stop();
      settling.stop();
      await store.giveUp(id);
    },
  };
}
