import { clientNetwork } from './client-network.ts';
import { createLines } from './queue.ts';

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
  countFailure(
    subject: string,
    failure: Failure,
    since: number,
    allows: (before: readonly Failure[]) => boolean,
  ): Promise<{ readonly before: Failure[]; readonly counted: boolean }>;
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
 * What was read and what is known, put together: a read that began earlier may lack what was counted
 * since, and several can be alike in address and millisecond. Pure.
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

/**
 * Holds limits to the number, however many try in parallel and on however many nodes, though only
 * failures are written: a try is judged first, and what came of it is told only if the store still
 * allows it then. A failure is counted under the subject's gate (`add`); after a success the failures
 * are read once more (`refresh`, then `wait`). To claim each try beforehand instead would refuse right
 * tries that come together on several nodes.
 */
export interface FailureLimiter {
  /** Milliseconds to wait by what this process knows; no I/O. */
  wait(subject: string, address: string, now: number, trusted?: boolean): number;
  /** Brings what this process knows of `subject` up to date with the store. */
  refresh(subject: string, now: number): Promise<void>;
  /**
   * Counts a failure, never inside the transaction of what failed (CVE-2026-35597), and returns 0. Where
   * the limit was reached meanwhile it counts nothing and returns the milliseconds to wait: then nobody
   * may be told that the try was wrong.
   */
  add(subject: string, address: string, now: number, trusted?: boolean): Promise<number>;
}

const SUBJECTS_KEPT = 10_000;

/** Remembers failures in a sliding window, in memory and in the store. */
export function createFailureLimiter(store: FailureStore, bounds: FailureBounds): FailureLimiter {
  const knownOf = new Map<string, Failure[]>();
  const span = Math.max(bounds.perAddress.span, bounds.perSubject.span);
  // Those who find the limit reached when their turn comes ask the store nothing.
  const counting = createLines(Number.POSITIVE_INFINITY);

  function learn(subject: string, read: readonly Failure[], now: number): void {
    const known = (knownOf.get(subject) ?? []).filter((one) => one.at > now - span);
    const failures = mergeFailures(read, known);
    knownOf.delete(subject);
    if (failures.length === 0) return;
    knownOf.set(subject, failures);
    if (knownOf.size <= SUBJECTS_KEPT) return;
    const [oldest] = knownOf.keys();
    if (oldest !== undefined) knownOf.delete(oldest);
  }

  function wait(subject: string, address: string, now: number, trusted?: boolean): number {
    const failures = knownOf.get(subject);
    return failures === undefined ? 0 : waitAfter(failures, clientNetwork(address), bounds, now, trusted);
  }

  return {
    wait,
    async refresh(subject, now) {
      learn(subject, await store.recentFailures(subject, now - span), now);
    },
    add: (subject, address, now, trusted) =>
      counting.run(subject, async () => {
        const known = wait(subject, address, now, trusted);
        if (known > 0) return known;
        const client = clientNetwork(address);
        const failure = { address: client, at: now };
        const { before, counted } = await store.countFailure(
          subject,
          failure,
          now - span,
          (recent) => waitAfter(recent, client, bounds, now, trusted) === 0,
        );
        learn(subject, counted ? [...before, failure] : before, now);
        return counted ? 0 : waitAfter(before, client, bounds, now, trusted);
      }),
  };
}
