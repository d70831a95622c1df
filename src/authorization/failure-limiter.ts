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
   * Counts a failure if `allows` returns true for the failures since `since`. Atomic per subject, across all nodes.
   * Returns the failures that preceded it, oldest first, and whether it was counted.
   */
  countFailureIfAllowed(
    subject: string,
    failure: Failure,
    since: number,
    allows: (before: readonly Failure[]) => boolean,
  ): Promise<{ readonly before: Failure[]; readonly counted: boolean }>;
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
  const deciding = recent[recent.length - limit.count];
  return deciding === undefined ? 0 : deciding.at + limit.windowMs - now;
}

/**
 * Returns the milliseconds until `address` (a `clientNetwork`) may try again, 0 for now. `failures` must be sorted,
 * oldest first. For a `trusted` address only its own failures count, so that others cannot lock it out. Pure.
 */
export function waitMsAfter(
  failures: readonly Failure[],
  address: string,
  limits: FailureLimits,
  now: number,
  trusted = false,
): number {
  const own = failures.filter((failure) => failure.address === address);
  return Math.max(
    waitMsForLimit(own, limits.perAddress, now),
    trusted ? 0 : waitMsForLimit(failures, limits.perSubject, now),
  );
}

/**
 * Returns the union of both lists as multisets, oldest first: a read that began earlier may lack failures counted
 * since, and several failures can have the same address and millisecond. Pure.
 */
export function mergeFailures(read: readonly Failure[], known: readonly Failure[]): Failure[] {
  const keyOf = ({ address, at }: Failure) => `${at} ${address}`;
  const remaining = new Map<string, number>();
  for (const failure of read) remaining.set(keyOf(failure), (remaining.get(keyOf(failure)) ?? 0) + 1);
  const missing = known.filter((failure) => {
    const count = remaining.get(keyOf(failure)) ?? 0;
    remaining.set(keyOf(failure), count - 1);
    return count <= 0;
  });
  return [...read, ...missing].sort((a, b) => a.at - b.at);
}

/**
 * Enforces failure limits exactly, however many attempts run in parallel on however many nodes, although only failures
 * are written: an attempt is checked first, and its result is returned only if the store still allows it afterwards.
 * After a failure, call `recordFailure`, which counts it atomically; after a success, call `refresh` and then `waitMs`.
 * Reserving a slot before each attempt would be simpler but would refuse correct attempts that run in parallel on
 * several nodes.
 */
export interface FailureLimiter {
  /** Returns the milliseconds to wait according to the failures cached in this process, 0 for none. No I/O. */
  waitMs(subject: string, address: string, now: number, trusted?: boolean): number;
  /** Updates the cached failures of `subject` from the store. */
  refresh(subject: string, now: number): Promise<void>;
  /**
   * Counts a failure and returns 0. If the limit was reached in the meantime, counts nothing and returns the
   * milliseconds to wait; the caller must then not reveal that the attempt was wrong. Uses its own transaction, so
   * that a rollback of the failed operation does not undo the count (CVE-2026-35597).
   */
  recordFailure(subject: string, address: string, now: number, trusted?: boolean): Promise<number>;
}

const MAX_CACHED_SUBJECTS = 10_000;

/** Counts failures in sliding windows, in the store and in a bounded cache. */
export function createFailureLimiter(store: FailureStore, limits: FailureLimits): FailureLimiter {
  const failuresBySubject = new Map<string, Failure[]>();
  const windowMs = Math.max(limits.perAddress.windowMs, limits.perSubject.windowMs);
  // The queue is unbounded because it drains fast once the limit is reached: those attempts need no store access.
  const subjectMutex = createKeyedMutex(Number.POSITIVE_INFINITY);

  function updateCache(subject: string, read: readonly Failure[], now: number): void {
    const known = (failuresBySubject.get(subject) ?? []).filter((failure) => failure.at > now - windowMs);
    const failures = mergeFailures(read, known);
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
        const known = waitMs(subject, address, now, trusted);
        if (known > 0) return known;
        const client = clientNetwork(address);
        const failure = { address: client, at: now };
        const { before, counted } = await store.countFailureIfAllowed(
          subject,
          failure,
          now - windowMs,
          (recent) => waitMsAfter(recent, client, limits, now, trusted) === 0,
        );
        updateCache(subject, counted ? [...before, failure] : before, now);
        return counted ? 0 : waitMsAfter(before, client, limits, now, trusted);
      }),
  };
}
