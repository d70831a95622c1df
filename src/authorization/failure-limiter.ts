import { clientNetwork } from './client-network.ts';
import { createKeyedMutex } from './keyed-mutex.ts';

/** A failed try from one client (`clientNetwork`), at an instant in epoch milliseconds. */
export interface Failure {
  readonly address: string;
  readonly at: number;
}

export interface FailureStore {
  /** The failures of `subject` from `since` on, oldest first. */
  recentFailures(subject: string, since: number): Promise<Failure[]>;
  /**
   * Counts a failure if `allows` says so of those from `since` on. Nobody else counts one of `subject`
   * in between, on whichever node. Returns those that were there before.
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
  /** Milliseconds. */
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
 * Milliseconds until another try may be judged, 0 if now. `failures` oldest first. Pure.
 * With `trusted`, only the address's own failures count: a stranger can't lock such a client out.
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
 * What was read and what is known, put together: a read that began earlier may lack what was counted
 * since, and several can be alike in address and millisecond. Pure.
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
 * Holds limits to the number, however many try in parallel and on however many nodes, though only
 * failures are written: a try is judged first, and what came of it is told only if the store still
 * allows it then. A failure is counted under the subject's gate (`add`); after a success the failures
 * are read once more (`refresh`, then `wait`). To claim each try beforehand instead would refuse right
 * tries that come together on several nodes.
 */
export interface FailureLimiter {
  /** Milliseconds to wait by what this process knows; no I/O. */
  waitMs(subject: string, address: string, now: number, trusted?: boolean): number;
  /** Brings what this process knows of `subject` up to date with the store. */
  refresh(subject: string, now: number): Promise<void>;
  /**
   * Counts a failure, never inside the transaction of what failed (CVE-2026-35597), and returns 0. Where
   * the limit was reached meanwhile it counts nothing and returns the milliseconds to wait: then nobody
   * may be told that the try was wrong.
   */
  recordFailure(subject: string, address: string, now: number, trusted?: boolean): Promise<number>;
}

const MAX_CACHED_SUBJECTS = 10_000;

/** Remembers failures in a sliding window, in memory and in the store. */
export function createFailureLimiter(store: FailureStore, limits: FailureLimits): FailureLimiter {
  const failuresBySubject = new Map<string, Failure[]>();
  const windowMs = Math.max(limits.perAddress.windowMs, limits.perSubject.windowMs);
  // Those who find the limit reached when their turn comes ask the store nothing.
  const subjectMutex = createKeyedMutex(Number.POSITIVE_INFINITY);

  function updateCache(subject: string, read: readonly Failure[], now: number): void {
    const known = (failuresBySubject.get(subject) ?? []).filter((one) => one.at > now - windowMs);
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
