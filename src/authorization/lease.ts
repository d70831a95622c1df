import type { RecordRegistry, RevokedRecords } from './registry.ts';

/** Two clocks that fail in different ways, in milliseconds. */
export interface Clocks {
  /** Never goes back, but stops while the machine is suspended. */
  monotonic(): number;
  /** Keeps running while the machine is suspended, but can be set. */
  wall(): number;
}

/** Calls `callback` after `delayMs` milliseconds. Returns a function that cancels the call. */
export type ScheduleTimer = (delayMs: number, callback: () => void) => () => void;

/**
 * A position in the sequence of revocations. The number alone is not unique: a database that was restored, or failed
 * over without its last commits, reuses numbers (`docs/adr/0022-revocation-history-id.md`).
 */
export interface RevocationPoint {
  /** Identifies the running database. Changes whenever the database may have lost commits. */
  readonly history: string;
  readonly number: number;
  /** The random ID of the revocation with this number; empty if it does not exist or was pruned. */
  readonly id: string;
}

export function isSamePoint(point: RevocationPoint, other: RevocationPoint): boolean {
  return point.number === other.number && point.id === other.id && point.history === other.history;
}

/** A node's progress through the revocations. */
export interface RevocationFollower {
  /** The newest revocation applied to the cache; null before the first heartbeat, while the cache is empty. */
  applied(): RevocationPoint | null;
  /**
   * Removes revoked records from the cache. Afterwards every revocation that concerns this node is applied up to
   * `through`.
   */
  apply(revocations: readonly RevokedRecords[], through: RevocationPoint): void;
  /**
   * Clears the cache, because some revocations are unknown or belong to another history. Afterwards every revocation is
   * applied up to `head`.
   */
  reset(head: RevocationPoint): void;
}

/**
 * Acquires or renews the lease. Resolves only if every revocation was applied at a moment when no new one could be
 * committed. `leaseMs` is the duration of the lease in milliseconds, counted by the store from that moment.
 */
export type RenewLease = (follower: RevocationFollower) => Promise<{ readonly leaseMs: number }>;

export interface RenewingLease {
  /** Whether the lease is valid now. */
  holds(): boolean;
  /**
   * The wall clock as last read, in epoch milliseconds. `holds` reads it, so directly afterwards this is the current
   * time.
   */
  lastWallTime(): number;
  /** The newest revocation applied to the cache; null before the first heartbeat. */
  applied(): RevocationPoint | null;
  /** Acquires the first lease, which then renews itself. Resolves to whether it was acquired within `timeoutMs`. */
  start(timeoutMs: number): Promise<boolean>;
  /** Sends a heartbeat now, or directly after the one in progress. Called after a revocation. */
  renewNow(): void;
  /**
   * Applies revocations received between heartbeats. `after` is the point that was applied when they were requested. If
   * that point is no longer the applied one, the records are removed but the applied point does not advance.
   */
  applyRevocations(after: RevocationPoint, revocations: readonly RevokedRecords[], through: RevocationPoint): void;
  /**
   * Ends the lease, ignores the grant of a heartbeat in progress, and clears the cache. Later heartbeats may acquire a
   * new lease.
   */
  end(): void;
  /** Ends the lease permanently. Resolves when no heartbeat is in progress. */
  stop(): Promise<void>;
}

const HEARTBEATS_PER_LEASE = 4;
/** Doubled for each failed heartbeat in a row, including the first. */
const RETRY_BASE_MS = 50;
const MAX_DOUBLINGS = 8;
/**
 * Subtracted from a lease, because clocks may drift apart by this much during it and the store rounds to milliseconds.
 */
const safetyMarginMs = (leaseMs: number) => Math.max(10, leaseMs / 20);

/**
 * Returns the lease of one node: a Devpilot server or a guard. While it holds, this node has applied every revocation
 * whose request has returned. `docs/adr/0010-leases-and-revocation.md` explains why each step is needed.
 */
export function createLease(options: {
  renew: RenewLease;
  registry: Pick<RecordRegistry, 'apply' | 'clear'>;
  /** Duration of a lease in milliseconds, until `renew` returns another one. */
  leaseMs: number;
  clocks: Clocks;
  schedule: ScheduleTimer;
  /** Returns 0 to 1: jitter, so that many nodes do not retry at the same moment. */
  random: () => number;
  onError: (error: unknown) => void;
  /** Called after each heartbeat, successful or not. */
  onHeartbeat: () => void;
}): RenewingLease {
  const { renew, registry, clocks, schedule, random, onError, onHeartbeat } = options;
  let { leaseMs } = options;
  let applied: RevocationPoint | null = null;
  /** When the last successful heartbeat began, and for how long its lease is valid (`durationMs`). */
  let granted: { readonly monotonic: number; readonly wall: number; readonly durationMs: number } | null = null;
  let newestWall = Number.NEGATIVE_INFINITY;
  /** Number of times the lease was ended, by `end` or by a wall clock that went back. */
  let endCount = 0;
  let consecutiveFailures = 0;
  let stopped = false;
  let cancelTimer = () => {};
  let pendingHeartbeat: Promise<void> | null = null;
  let renewAgain = false;

  /** If the wall clock went back, ends the lease and invalidates the grant of a heartbeat in progress. */
  function readWallClock(): number {
    const wall = clocks.wall();
    if (wall < newestWall) {
      granted = null;
      endCount++;
    }
    newestWall = wall;
    return wall;
  }

  function holds(): boolean {
    // Read even without a lease: a heartbeat in progress must notice a clock that went back.
    const endCountBefore = endCount;
    const wall = readWallClock();
    if (endCount !== endCountBefore) renewNow();
    if (granted === null) return false;
    return Math.max(clocks.monotonic() - granted.monotonic, wall - granted.wall) < granted.durationMs;
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
    const endCountBefore = endCount;
    const renewed = await renew(follower);
    readWallClock();
    if (stopped || endCount !== endCountBefore) return;
    leaseMs = renewed.leaseMs;
    granted = { ...start, durationMs: leaseMs - safetyMarginMs(leaseMs) };
  }

  /** Runs one heartbeat at a time; a call during a heartbeat schedules another one after it. */
  function startRenewal(): Promise<void> {
    if (pendingHeartbeat !== null) {
      renewAgain = true;
      return pendingHeartbeat;
    }
    cancelTimer();
    const started = clocks.monotonic();
    pendingHeartbeat = attemptRenewal()
      .then(
        () => {
          consecutiveFailures = 0;
        },
        (error: unknown) => {
          consecutiveFailures++;
          onError(error);
        },
      )
      .then(() => {
        pendingHeartbeat = null;
        if (stopped) return;
        const intervalMs = leaseMs / HEARTBEATS_PER_LEASE;
        const backoffMs = Math.min(intervalMs, RETRY_BASE_MS * 2 ** Math.min(consecutiveFailures, MAX_DOUBLINGS));
        const pauseMs =
          consecutiveFailures === 0 ? intervalMs - (clocks.monotonic() - started) : backoffMs * (0.5 + random());
        const delayMs = renewAgain && consecutiveFailures === 0 ? 0 : Math.max(1, pauseMs);
        cancelTimer = schedule(delayMs, () => void startRenewal());
        renewAgain = false;
        onHeartbeat();
      });
    return pendingHeartbeat;
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
      const started = clocks.monotonic();
      // On a busy machine the first heartbeats can take longer than the lease that they acquire.
      while (!stopped && clocks.monotonic() - started < timeoutMs) {
        await startRenewal();
        if (holds()) return true;
        await new Promise<void>((resolve) => schedule(leaseMs / HEARTBEATS_PER_LEASE, resolve));
      }
      return false;
    },
    applyRevocations(after, revocations, through) {
      const isNext = applied !== null && isSamePoint(applied, after);
      follower.apply(revocations, isNext ? through : (applied ?? after));
    },
    end() {
      granted = null;
      endCount++;
      registry.clear();
    },
    async stop() {
      stopped = true;
      granted = null;
      cancelTimer();
      await pendingHeartbeat;
    },
  };
}
