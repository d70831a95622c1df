import type { RecordRegistry, RevokedRecords } from './registry.ts';

/** Two clocks that fail in different ways; milliseconds. */
export interface Clocks {
  /** Never goes back; stands still while the machine is suspended. */
  monotonic(): number;
  /** Goes on while the machine is suspended; may be set. */
  wall(): number;
}

/** Calls `work` after `delay` milliseconds; the answer cancels it. */
export type ScheduleTimer = (delay: number, work: () => void) => () => void;

/**
 * A point in the history of revocations. The number alone identifies nothing: a database that was restored
 * or failed over without its last commits uses numbers again (`docs/adr/0022-history-has-an-identity.md`).
 */
export interface RevocationPoint {
  /** Identifies the running database. Changes whenever it could have come back older than it was. */
  readonly history: string;
  readonly number: number;
  /** The random id of the revocation with this number; empty where there is none, or none any more. */
  readonly id: string;
}

export function isSamePoint(one: RevocationPoint, other: RevocationPoint): boolean {
  return one.number === other.number && one.id === other.id && one.history === other.history;
}

/** How far a node has followed what was revoked, and how it follows further. */
export interface RevocationFollower {
  /** The newest revocation that memory has forgotten; null before the first beat, while memory is empty. */
  applied(): RevocationPoint | null;
  /** Forgets what was revoked. `through`: with it, all that concerns this node is applied up to there. */
  apply(revocations: readonly RevokedRecords[], through: RevocationPoint): void;
  /** Forgets everything: what was revoked in between cannot be known, or is of another history. */
  reset(head: RevocationPoint): void;
}

/**
 * Takes or renews the lease. Resolves only if, in an instant in which nothing could be revoked, all that
 * was revoked had been applied; with the milliseconds that the store counts from then on.
 */
export type RenewLease = (follower: RevocationFollower) => Promise<{ readonly bound: number }>;

export interface RenewingLease {
  holds(): boolean;
  /** The wall clock as it was last looked at: right after `holds`, now. */
  lastWallTime(): number;
  /** The newest revocation that memory has forgotten; null before the first beat. */
  applied(): RevocationPoint | null;
  /** Tries for the first lease; from then on it renews itself. Tells whether it was given in time. */
  start(timeoutMs: number): Promise<boolean>;
  /** Something was revoked: reads it at once. */
  renewNow(): void;
  /** Applies what was revoked after `after`, which was applied when it was asked for, outside of a beat. */
  applyRevocations(after: RevocationPoint, revocations: readonly RevokedRecords[], through: RevocationPoint): void;
  /** Ends the lease, also what a beat under way would grant, and forgets everything. Later beats may take a new one. */
  end(): void;
  /** Ends it for good. Resolves when no beat is under way. */
  stop(): Promise<void>;
}

const HEARTBEATS_PER_LEASE = 4;
/** Clocks may run this much apart, and the store rounds to the millisecond. */
const safetyMarginMs = (bound: number) => Math.max(10, bound / 20);

/**
 * The lease of one node, a server or a guard (`docs/adr/0010-leases-and-revocation.md` says why each line
 * is needed): while it holds, this node has applied every revocation that anybody was told of.
 */
export function createLease(options: {
  renew: RenewLease;
  registry: Pick<RecordRegistry, 'apply' | 'clear'>;
  /** Milliseconds that a lease lasts, until `renew` says otherwise. */
  bound: number;
  clocks: Clocks;
  schedule: ScheduleTimer;
  /** 0 to 1, so that many nodes don't come back at the same instant. */
  random: () => number;
  onError: (error: unknown) => void;
  /** After each beat, whatever came of it. */
  onHeartbeat: () => void;
}): RenewingLease {
  const { renew, registry, clocks, schedule, random, onError, onHeartbeat } = options;
  let { bound } = options;
  let applied: RevocationPoint | null = null;
  /** When the last successful beat began, and how long its lease may be relied on. */
  let granted: { readonly monotonic: number; readonly wall: number; readonly span: number } | null = null;
  let newestWall = Number.NEGATIVE_INFINITY;
  /** How often the lease was ended: by a wall clock that went back, or from outside. */
  let ends = 0;
  let failures = 0;
  let stopped = false;
  let cancel = () => {};
  let beating: Promise<void> | null = null;
  let renewAgain = false;

  /** Reads the wall clock. One that went back ends the lease, and what a beat under way would have granted. */
  function readWallClock(): number {
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
    const wall = readWallClock();
    if (ends !== before) renewNow();
    if (granted === null) return false;
    return Math.max(clocks.monotonic() - granted.monotonic, wall - granted.wall) < granted.span;
  }

  const follower: RevocationFollower = {
    applied: () => applied,
    apply(revocations, through) {
      for (const revocation of revocations) registry.apply(revocation);
      if (applied !== null && through.number > applied.number) applied = through;
    },
    reset(head) {
      registry.clear();
      applied = head;
    },
  };

  async function attemptRenewal(): Promise<void> {
    const start = { monotonic: clocks.monotonic(), wall: readWallClock() };
    const before = ends;
    const renewed = await renew(follower);
    readWallClock();
    if (stopped || ends !== before) return;
    bound = renewed.bound;
    granted = { ...start, span: bound - safetyMarginMs(bound) };
  }

  /** One beat at a time; who asks during one gets another after it. */
  function startRenewal(): Promise<void> {
    if (beating !== null) {
      renewAgain = true;
      return beating;
    }
    cancel();
    const begun = clocks.monotonic();
    beating = attemptRenewal()
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
        const soon = Math.min(bound / HEARTBEATS_PER_LEASE, 50 * 2 ** Math.min(failures, 8));
        const pause =
          failures === 0 ? bound / HEARTBEATS_PER_LEASE - (clocks.monotonic() - begun) : soon * (0.5 + random());
        cancel = schedule(renewAgain && failures === 0 ? 0 : Math.max(1, pause), () => void startRenewal());
        renewAgain = false;
        onHeartbeat();
      });
    return beating;
  }

  function renewNow(): void {
    if (!stopped) void startRenewal();
  }

  return {
    holds,
    lastWallTime: () => newestWall,
    applied: follower.applied,
    renewNow,
    async start(timeoutMs) {
      const begun = clocks.monotonic();
      // A busy machine may need more than one try for a beat that is done within the bound.
      while (!stopped && clocks.monotonic() - begun < timeoutMs) {
        await startRenewal();
        if (holds()) return true;
        await new Promise<void>((resolve) => schedule(bound / HEARTBEATS_PER_LEASE, resolve));
      }
      return false;
    },
    applyRevocations(after, revocations, through) {
      const isNext = applied !== null && isSamePoint(applied, after);
      follower.apply(revocations, isNext ? through : (applied ?? after));
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
