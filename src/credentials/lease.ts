import { Problem } from '../contract/problem.ts';
import type { Lease, Registry, Revocation } from './registry.ts';
import { createSettling } from './settling.ts';
import type { Receipt } from './store.ts';

/** Two clocks that fail in different ways; milliseconds. */
export interface Clocks {
  /** Never goes back; stands still while the machine is suspended. */
  monotonic(): number;
  /** Goes on while the machine is suspended; may be set. */
  wall(): number;
}

/** Calls `work` after `delay` milliseconds; the answer cancels it. */
export type Schedule = (delay: number, work: () => void) => () => void;

/** What was revoked after a number, and where the counter stood; one instant of the store. */
export interface Caught {
  readonly counter: number;
  /** In order, from the oldest that is kept; at most as many as were asked for. */
  readonly revocations: readonly Revocation[];
}

export interface RevocationReader {
  readAfter(number: number, limit: number): Promise<Caught>;
}

/** A transaction in which the counter, once locked, can't move until it ends. */
export interface Renewal extends RevocationReader {
  /** Locks the counter's row for share and reads it. */
  lockCounter(): Promise<number>;
  /**
   * Writes what the node has confirmed and a lease of `bound` milliseconds by the store's clock; neither
   * ever goes back. With `moved`, those who wait for confirmations are woken at the commit.
   */
  grant(node: { id: string; confirmed: number; bound: number; moved: boolean }): Promise<void>;
}

/** A node that may be judging from memory. */
export interface LiveNode {
  readonly id: string;
  readonly confirmed: number;
  /** Milliseconds until its lease runs out, by the store's clock; above 0. */
  readonly left: number;
}

/** What the protocol needs of the store. Every method rejects when it can't be reached. */
export interface NodeStore extends RevocationReader {
  /** All of `work` is there when this resolves; when it rejects, nobody knows. */
  renewal(work: (renewal: Renewal) => Promise<void>): Promise<void>;
  /** The nodes whose lease ends after the store's clock. */
  liveNodes(): Promise<LiveNode[]>;
  /** Wakes the nodes: there is something to read. Only a hint; it may be lost. */
  wake(): Promise<void>;
  /** Takes a node's lease away. */
  giveUp(id: string): Promise<void>;
}

export interface Node extends Lease {
  /** Takes the first lease; from then on it renews itself. Rejects when the store can't be reached. */
  start(): Promise<void>;
  /** Something was revoked, here or elsewhere: reads it at once. */
  wake(): void;
  /** Another node has confirmed something: looks whether somebody's wait is over. */
  look(): void;
  /**
   * Resolves when no node can accept what was revoked any more: each has confirmed, or its lease has
   * run out. Rejects with `unavailable` when that can't be found out in time.
   */
  settle(revocation: Pick<Revocation, 'number'>): Promise<Receipt>;
  /** The same for all that was revoked before the call, by whomever. */
  settleAll(): Promise<Receipt>;
  /** Ends the lease, here first and then in the store. */
  stop(): Promise<void>;
}

/** Revocations read at a time. */
const PAGE = 1000;
const BEATS_PER_BOUND = 4;
/** How long the first lease is tried for, milliseconds. */
const START_PATIENCE = 15_000;
/** Clocks may run this much apart, and the store rounds to the millisecond. */
const marginOf = (bound: number) => Math.max(10, bound / 20);

/**
 * The lease of one node (`docs/adr/0010-leases-and-revocation.md` says why each line is needed): while it
 * holds, this node has applied every revocation that anybody was told of.
 */
export function createNode(options: {
  /** New at every start of a process. */
  id: string;
  store: NodeStore;
  registry: Pick<Registry, 'apply' | 'clear'>;
  /** Milliseconds that a frozen or cut-off node may delay an answer, and that judgements survive without a store. */
  bound: number;
  clocks: Clocks;
  schedule: Schedule;
  /** 0 to 1, so that many nodes don't come back at the same instant. */
  random: () => number;
  onError: (error: unknown) => void;
}): Node {
  const { id, store, registry, bound, clocks, schedule, random, onError } = options;
  const span = bound - marginOf(bound);
  const settling = createSettling({ store, bound, clocks, schedule });
  /** The newest revocation that memory has forgotten; null before the first beat, while memory is empty. */
  let applied: number | null = null;
  let confirmed: number | null = null;
  /** When the last successful beat began. */
  let granted: { readonly monotonic: number; readonly wall: number } | null = null;
  let newestWall = Number.NEGATIVE_INFINITY;
  /** How often the wall clock was seen to go back. */
  let setBacks = 0;
  let failures = 0;
  let stopped = false;
  let cancel = () => {};
  let beating: Promise<void> | null = null;
  let again = false;

  /** Reads the wall clock. One that went back ends the lease, and what a beat under way would have granted. */
  function observe(): number {
    const wall = clocks.wall();
    if (wall < newestWall) {
      granted = null;
      setBacks++;
    }
    newestWall = wall;
    return wall;
  }

  function holds(): boolean {
    // Also without a lease: a beat that is under way must learn of a clock that went back.
    const before = setBacks;
    const wall = observe();
    if (setBacks !== before) wake();
    if (granted === null) return false;
    return Math.max(clocks.monotonic() - granted.monotonic, wall - granted.wall) < span;
  }

  /** Forgets everything: what was revoked in between is not to be known any more. */
  function startOver(counter: number): void {
    registry.clear();
    applied = counter;
  }

  async function catchUp(reader: RevocationReader): Promise<number> {
    for (;;) {
      if (applied === null) startOver((await reader.readAfter(Number.MAX_SAFE_INTEGER, 0)).counter);
      const { counter, revocations } = await reader.readAfter(applied ?? 0, PAGE);
      let next = applied ?? 0;
      for (const revocation of revocations) {
        if (revocation.number !== next + 1) break;
        registry.apply(revocation);
        next = revocation.number;
      }
      applied = next;
      if (next === counter) return next;
      const gap = revocations.length < PAGE || next !== revocations.at(-1)?.number;
      if (gap) startOver(counter);
      if (gap) return counter;
    }
  }

  async function beatOnce(): Promise<void> {
    const start = { monotonic: clocks.monotonic(), wall: observe() };
    const before = setBacks;
    let number = await catchUp(store);
    await store.renewal(async (renewal) => {
      const counter = await renewal.lockCounter();
      if (number !== counter) number = await catchUp(renewal);
      if (number !== counter) throw new Error('The counter moved under its lock.');
      await renewal.grant({ id, confirmed: number, bound, moved: number !== confirmed });
    });
    confirmed = number;
    observe();
    if (stopped || setBacks !== before) return;
    granted = start;
  }

  /** One beat at a time; who asks during one gets another after it. */
  function beat(): Promise<void> {
    if (beating !== null) {
      again = true;
      return beating;
    }
    cancel();
    const begun = clocks.monotonic();
    beating = beatOnce()
      .then(
        () => {
          failures = 0;
        },
        (error: unknown) => {
          failures++;
          onError(error);
        },
      )
      .then(() => {
        beating = null;
        if (stopped) return;
        const soon = Math.min(bound / BEATS_PER_BOUND, 50 * 2 ** Math.min(failures, 8));
        const pause = failures === 0 ? bound / BEATS_PER_BOUND - (clocks.monotonic() - begun) : soon * (0.5 + random());
        cancel = schedule(again && failures === 0 ? 0 : Math.max(1, pause), () => void beat());
        again = false;
        settling.look();
      });
    return beating;
  }

  function wake(): void {
    if (!stopped) void beat();
  }

  function settle({ number }: Pick<Revocation, 'number'>): Promise<Receipt> {
    const receipt = settling.settle(number);
    store.wake().catch(onError);
    wake();
    return receipt;
  }

  return {
    holds,
    wake,
    look: settling.look,
    settle,
    async start() {
      const begun = clocks.monotonic();
      // A busy machine may need more than one try for a beat that is done within the bound.
      while (!stopped && clocks.monotonic() - begun < START_PATIENCE) {
        await beat();
        if (holds()) return;
        await new Promise<void>((resolve) => schedule(bound / BEATS_PER_BOUND, resolve));
      }
      stopped = true;
      cancel();
      throw new Problem('unavailable', 'The store gave no lease.', { retryAfter: 1 });
    },
    async settleAll() {
      const { counter } = await store.readAfter(Number.MAX_SAFE_INTEGER, 0);
      return settling.settle(counter);
    },
    async stop() {
      stopped = true;
      granted = null;
      cancel();
      await beating;
      settling.stop();
      await store.giveUp(id);
    },
  };
}
