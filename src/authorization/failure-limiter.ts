import { clientNetwork } from './client-network.ts';
import { createKeyedMutex } from './keyed-mutex.ts';

/** A failed attempt. `address` is a client's network (`clientNetwork`), `at` is in epoch milliseconds. */
export interface Failure {
  readonly address: string;
  readonly at: number;
}

export interface FailureStore {
  /** Returns the failures of `subject` since `since` (epoch milliseconds), oldest first. */
  recentFailures(subject: string, since: number): Promise<Failure[]>;
  /**
   * Counts a failure if `isAllowed` returns true for the earlier failures since `since`. Atomic per subject, across all
   * nodes. Returns the earlier failures, oldest first, and whether the failure was counted.
   */
  countFailureIfAllowed(
    subject: string,
    failure: Failure,
    since: number,
    isAllowed: (earlier: readonly Failure[]) => boolean,
  ): Promise<{ readonly earlier: Failure[]; readonly counted: boolean }>;
}

interface FailureLimit {
  readonly count: number;
  readonly windowMs: number;
}
export interface FailureLimits {
  readonly perAddress: FailureLimit;
  readonly perSubject: FailureLimit;
}

function waitMsForLimit(failures: readonly Failure[], limit: FailureLimit, now: number): number {
  const recent = failures.filter((failure) => failure.at > now - limit.windowMs);
  /** The failure that has to leave the window before another attempt is allowed. */
  const blocking = recent[recent.length - limit.count];
  return blocking === undefined ? 0 : blocking.at + limit.windowMs - now;
}

/**
 * Returns the milliseconds until `address` (a `clientNetwork`) may try again, 0 if it may try now. `failures` must be
 * sorted, oldest first. For a `trusted` address only its own failures count, so that other clients cannot lock it out.
 * Pure.
 */
export function waitMsAfter(
  failures: readonly Failure[],
  address: string,
  limits: FailureLimits,
  now: number,
  trusted = false,
): number {
  const failuresOfAddress = failures.filter((failure) => failure.address === address);
  return Math.max(
    waitMsForLimit(failuresOfAddress, limits.perAddress, now),
    trusted ? 0 : waitMsForLimit(failures, limits.perSubject, now),
  );
}

/**
 * Returns the multiset union of both lists, oldest first: `stored` may lack failures that were counted after the read
 * began, and several failures can have the same address and millisecond. Pure.
 */
export function mergeFailures(stored: readonly Failure[], cached: readonly Failure[]): Failure[] {
  const keyOf = ({ address, at }: Failure) => `${at} ${address}`;
  /** Number of stored failures, by key, that have no counterpart among the cached failures checked so far. */
  const unmatched = new Map<string, number>();
  for (const failure of stored) unmatched.set(keyOf(failure), (unmatched.get(keyOf(failure)) ?? 0) + 1);
  const missing = cached.filter((failure) => {
    const count = unmatched.get(keyOf(failure)) ?? 0;
    unmatched.set(keyOf(failure), count - 1);
    return count <= 0;
  });
  return [...stored, ...missing].sort((a, b) => a.at - b.at);
}

/**
 * Enforces failure limits exactly, even for attempts in parallel on several nodes, although only failures are written:
 * the limit is checked before an attempt and again before its result is returned. After a failed attempt, call
 * `recordFailure`, which checks and counts atomically. After a successful one, call `refresh` and then `waitMs`.
 * Reserving a slot before each attempt would be simpler, but would refuse correct attempts that run in parallel on
 * several nodes.
 */
export interface FailureLimiter {
  /** Returns the milliseconds to wait, 0 for none, according to the failures cached in this process. No I/O. */
  waitMs(subject: string, address: string, now: number, trusted?: boolean): number;
  /** Updates the cached failures of `subject` from the store. */
  refresh(subject: string, now: number): Promise<void>;
  /**
   * Counts a failure and returns 0. If the limit has been reached since the attempt was allowed, counts nothing and
   * returns the milliseconds to wait; the caller must then not reveal that the attempt was wrong. Uses its own
   * transaction, so that a rollback of the failed operation does not undo the count, unlike in CVE-2026-35597.
   */
  recordFailure(subject: string, address: string, now: number, trusted?: boolean): Promise<number>;
}

const MAX_CACHED_SUBJECTS = 10_000;

/** Counts failures in sliding windows, in the store and in a bounded cache. */
export function createFailureLimiter(store: FailureStore, limits: FailureLimits): FailureLimiter {
  const failuresBySubject = new Map<string, Failure[]>();
  const windowMs = Math.max(limits.perAddress.windowMs, limits.perSubject.windowMs);
  // The queue is unbounded because it drains fast once the limit is reached: attempts then need no store access.
  const subjectMutex = createKeyedMutex(Number.POSITIVE_INFINITY);

  function updateCache(subject: string, stored: readonly Failure[], now: number): void {
    const cached = (failuresBySubject.get(subject) ?? []).filter((failure) => failure.at > now - windowMs);
    const failures = mergeFailures(stored, cached);
    failuresBySubject.delete(subject);
    if (failures.length === 0) return;
    failuresBySubject.set(subject, failures);
    if (failuresBySubject.size <= MAX_CACHED_SUBJECTS) return;
    const [oldest] = failuresBySubject.keys();
    if (oldest !== undefined) failuresBySubject.delete(oldest);
  }

  function waitMs(subject: string, address: string, now: number, trusted?: boolean): number {
    const failures = failuresBySubject.get(subject);
    return failures === undefined ? 0 : waitMsAfter(failures, clientNetwork(address), limits, now, trusted);
  }

  return {
    waitMs,
    async refresh(subject, now) {
      updateCache(subject, await store.recentFailures(subject, now - windowMs), now);
    },
    recordFailure: (subject, address, now, trusted) =>
      subjectMutex.run(subject, async () => {
        const cachedWaitMs = waitMs(subject, address, now, trusted);
        if (cachedWaitMs > 0) return cachedWaitMs;
        const client = clientNetwork(address);
        const failure = { address: client, at: now };
        const { earlier, counted } = await store.countFailureIfAllowed(
          subject,
          failure,
          now - windowMs,
          (recent) => waitMsAfter(recent, client, limits, now, trusted) === 0,
        );
        updateCache(subject, counted ? [...earlier, failure] : earlier, now);
        return counted ? 0 : waitMsAfter(earlier, client, limits, now, trusted);
      }),
  };
}
