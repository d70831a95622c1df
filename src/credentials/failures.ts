/** A failed try from one client address, at an instant in epoch milliseconds. */
export interface Failure {
  readonly address: string;
  readonly at: number;
}

export interface FailureStore {
  /** The failures of `subject` from `since` on, oldest first. */
  recentFailures(subject: string, since: number): Promise<Failure[]>;
  addFailure(subject: string, failure: Failure): Promise<void>;
}

interface Bound {
  readonly count: number;
  /** Milliseconds. */
  readonly span: number;
}
export interface FailureBounds {
  readonly perAddress: Bound;
  readonly perSubject: Bound;
}

function waitFor(failures: readonly Failure[], bound: Bound, now: number): number {
  const recent = failures.filter((failure) => failure.at > now - bound.span);
  const deciding = recent[recent.length - bound.count];
  return deciding === undefined ? 0 : deciding.at + bound.span - now;
}

/**
 * Milliseconds until another try may be judged, 0 if now. `failures` oldest first. Pure.
 * With `trusted`, only the address's own failures count: a stranger can't lock such a client out.
 */
export function waitAfter(
  failures: readonly Failure[],
  address: string,
  bounds: FailureBounds,
  now: number,
  trusted = false,
): number {
  const own = failures.filter((failure) => failure.address === address);
  return Math.max(waitFor(own, bounds.perAddress, now), trusted ? 0 : waitFor(failures, bounds.perSubject, now));
}

/**
 * What was read and what is known, put together. A failure counts here before it is written, so a
 * read that began earlier may lack it; and several can be alike in address and millisecond. Pure.
 */
export function mergeFailures(read: readonly Failure[], known: readonly Failure[]): Failure[] {
  const keyOf = ({ address, at }: Failure) => `${at} ${address}`;
  const left = new Map<string, number>();
  for (const failure of read) left.set(keyOf(failure), (left.get(keyOf(failure)) ?? 0) + 1);
  const missing = known.filter((failure) => {
    const count = left.get(keyOf(failure)) ?? 0;
    left.set(keyOf(failure), count - 1);
    return count <= 0;
  });
  return [...read, ...missing].sort((a, b) => a.at - b.at);
}

export interface FailureLimiter {
  /** Milliseconds to wait by what this process knows; no I/O. */
  wait(subject: string, address: string, now: number, trusted?: boolean): number;
  /** Brings what this process knows of `subject` up to date with the store. */
  refresh(subject: string, now: number): Promise<void>;
  /** Counts a failure at once in memory, then in the store: never inside the transaction of what failed (CVE-2026-35597). */
  add(subject: string, address: string, now: number): Promise<void>;
}

const SUBJECTS_KEPT = 10_000;

/** Remembers failures in a sliding window, in memory and in the store. */
export function createFailureLimiter(store: FailureStore, bounds: FailureBounds): FailureLimiter {
  const knownOf = new Map<string, Failure[]>();
  const span = Math.max(bounds.perAddress.span, bounds.perSubject.span);

  function remember(subject: string, failures: Failure[]): void {
    knownOf.delete(subject);
    if (failures.length === 0) return;
    knownOf.set(subject, failures);
    if (knownOf.size <= SUBJECTS_KEPT) return;
    const [oldest] = knownOf.keys();
    if (oldest !== undefined) knownOf.delete(oldest);
  }

  return {
    wait(subject, address, now, trusted) {
      const failures = knownOf.get(subject);
      return failures === undefined ? 0 : waitAfter(failures, address, bounds, now, trusted);
    },
    async refresh(subject, now) {
      const read = await store.recentFailures(subject, now - span);
      const known = (knownOf.get(subject) ?? []).filter((one) => one.at > now - span);
      remember(subject, mergeFailures(read, known));
    },
    async add(subject, address, now) {
      const failure = { address, at: now };
      remember(subject, [...(knownOf.get(subject) ?? []).filter((one) => one.at > now - span), failure]);
      await store.addFailure(subject, failure);
    },
  };
}
