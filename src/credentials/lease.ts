import type { Registry, RevokedRecords } from './registry.ts';

/** Two clocks that fail in different ways; milliseconds. */
export interface Clocks {
  /** Never goes back; stands still while the machine is suspended. */
  monotonic(): number;
  /** Goes on while the machine is suspended; may be set. */
  wall(): number;
}

/** Calls `work` after `delay` milliseconds; the answer cancels it. */
export type Schedule = (delay: number, work: () => void) => () => void;

/**
 * A point in the history of revocations. The number alone identifies nothing: a database that was restored
 * or failed over without its last commits uses numbers again (`docs/adr/0022-history-has-an-identity.md`).
 */
export interface Point {
  /** Identifies the running database. Changes whenever it could have come back older than it was. */
  readonly history: string;
  readonly number: number;
  /** The random id of the revocation with this number; empty where there is none, or none any more. */
  readonly id: string;
}

export function isSamePoint(one: Point, other: Point): boolean {
  return one.number === other.number && one.id === other.id && one.history === other.history;
}

/** How far a node has followed what was revoked, and how it follows further. */
export interface Following {
  /** The newest revocation that memory has forgotten; null before the first beat, while memory is empty. */
  applied(): Point | null;
  /** Forgets what was revoked. `through`: with it, all that concerns this node is applied up to there. */
  apply(revocations: readonly RevokedRecords[], through: Point): void;
  /** Forgets everything: what was revoked in between cannot be known, or is of another history. */
  startOver(head: Point): void;
}

/**
 * Takes or renews the lease. Resolves only if, in an instant in which nothing could be revoked, all that
 * was revoked had been applied; with the milliseconds that the store counts from then on.
 */
export type Renew = (following: Following) => Promise<{ readonly bound: number }>;

export interface BeatingLease {
  holds(): boolean;
  /** The wall clock as it was last looked at: right after `holds`, now. */
  looked(): number;
  /** The newest revocation that memory has forgotten; null before the first beat. */
  applied(): Point | null;
  /** Tries for the first lease; from then on it renews itself. Tells whether it was given in time. */
  start(patience: number): Promise<boolean>;
  /** Something was revoked: reads it at once. */
  wake(): void;
  /** Applies what was revoked after `after`, which was applied when it was asked for, outside of a beat. */
  hear(after: Point, revocations: readonly RevokedRecords[], through: Point): void;
  /** Ends the lease, also what a beat under way would grant, and forgets everything. Later beats may take a new one. */
  end(): void;
  /** Ends it for good. Resolves when no beat is under way. */
  stop(): Promise<void>;
}

const BEATS_PER_BOUND = 4;
/** Clocks may run this much apart, and the store rounds to the millisecond. */
const marginOf = (bound: number) => Math.max(10, bound / 20);

/**
 * The lease of one node, a server or a guard (`docs/adr/0010-leases-and-revocation.md` says why each line
 * is needed): while it holds, this node has applied every revocation that anybody was told of.
 */
export function createLease(options: {
  renew: Renew;
  registry: Pick<Registry, 'apply' | 'clear'>;
  /** Milliseconds that a lease lasts, until `renew` says otherwise. */
  bound: number;
  clocks: Clocks;
  schedule: Schedule;
  /** 0 to 1, so that many nodes don't come back at the same instant. */
  random: () => number;
  onError: (error: unknown) => void;
  /** After each beat, whatever came of it. */
  onBeat: () => void;
}): BeatingLease {
  const { renew, registry, clocks, schedule, random, onError, onBeat } = options;
  let { bound } = options;
  let applied: Point | null = null;
  /** When the last successful beat began, and how long its lease may be relied on. */
  let granted: { readonly monotonic: number; readonly wall: number; readonly span: number } | null = null;
  let newestWall = Number.NEGATIVE_INFINITY;
  /** How often the lease was ended: by a wall clock that went back, or from outside. */
  let ends = 0;
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
      ends++;
    }
    newestWall = wall;
    return wall;
  }

  function holds(): boolean {
    // Also without a lease: a beat that is under way must learn of a clock that went back.
    const before = ends;
    const wall = observe();
    if (ends !== before) wake();
    if (granted === null) return false;
    return Math.max(clocks.monotonic() - granted.monotonic, wall - granted.wall) < granted.span;
  }

  const following: Following = {
    applied: () => applied,
    apply(revocations, through) {
      for (const revocation of revocations) registry.apply(revocation);
      if (applied !== null && through.number > applied.number) applied = through;
    },
    startOver(head) {
      registry.clear();
      applied = head;
    },
  };

  async function beatOnce(): Promise<void> {
    const start = { monotonic: clocks.monotonic(), wall: observe() };
    const before = ends;
    const renewed = await renew(following);
    observe();
    if (stopped || ends !== before) return;
    bound = renewed.bound;
    granted = { ...start, span: bound - marginOf(bound) };
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
        onBeat();
      });
    return beating;
  }

  function wake(): void {
    if (!stopped) void beat();
  }

  return {
    holds,
    looked: () => newestWall,
    applied: following.applied,
    wake,
    async start(patience) {
      const begun = clocks.monotonic();
      // A busy machine may need more than one try for a beat that is done within the bound.
      while (!stopped && clocks.monotonic() - begun < patience) {
        await beat();
        if (holds()) return true;
        await new Promise<void>((resolve) => schedule(bound / BEATS_PER_BOUND, resolve));
      }
      return false;
    },
    hear(after, revocations, through) {
      const isNext = applied !== null && isSamePoint(applied, after);
      following.apply(revocations, isNext ? through : (applied ?? after));
    },
    end() {
      granted = null;
      ends++;
      registry.clear();
    },
    async stop() {
      stopped = true;
      granted = null;
      cancel();
      await beating;
    },
  };
}
