import type { RevocationPoint } from '../authorization/lease.ts';
import type { StoredCredential } from '../authorization/record.ts';
import type { Revocation } from '../authorization/registry.ts';
import type { WorkspaceRevocations } from './guards.ts';
import type { CommittedRevocation, Confirmation, LeaseSnapshot, RevocationPage } from './node.ts';

/** A transaction of one connection. */
export interface SimulatedTransaction {
  /** Returns whether the process that began the transaction is still running. */
  readonly isAlive: () => boolean;
  lock: 'share' | 'update' | null;
  outcome: 'committed' | 'aborted' | null;
  readonly writes: (() => void)[];
}

type LockMode = 'share' | 'update';

/** The features of a SQL database that the protocol relies on: row locks, atomic commits and a single clock. */
export interface SimulatedStore {
  read(credential: number): StoredCredential | null;
  readHead(transaction?: SimulatedTransaction): RevocationPoint;
  readAfter(number: number, limit: number, transaction?: SimulatedTransaction): RevocationPage;
  readWorkspace(
    workspaceId: string,
    after: number,
    limit: number,
    transaction?: SimulatedTransaction,
  ): WorkspaceRevocations;
  readLeases(awaited: readonly CommittedRevocation[]): LeaseSnapshot;
  begin(isAlive: () => boolean): SimulatedTransaction;
  lockCounter(transaction: SimulatedTransaction, lock: LockMode): Promise<RevocationPoint>;
  grant(transaction: SimulatedTransaction, confirmation: Confirmation): void;
  /**
   * Edits or deletes a credential. If it does not exist, aborts the transaction and returns null. After the commit,
   * `revocation` returns the revocation and `version` the new version.
   */
  change(
    transaction: SimulatedTransaction,
    credential: number,
    isDeletion: boolean,
  ): { revocation(): CommittedRevocation; version(): number } | null;
  commit(transaction: SimulatedTransaction): void;
  releaseLease(id: string): void;
  /** Deletes the revocations before the latest one that every valid lease has confirmed. */
  prune(): void;
  /**
   * Restores the state after the first `fraction` (0 to 1) of all commits, like a failover that lost the later commits.
   * Leases granted since then, locks and open transactions are lost too. If `inPlace` is true, the store keeps the
   * identifier of its history, like a restored backup, and nothing happens while any lease is valid.
   */
  loseCommits(fraction: number, inPlace: boolean): void;
  /** Returns how often the store has lost commits so far. */
  commitLossCount(): number;
  /** Returns the version of a credential, null if it is deleted. */
  versionOf(credential: number): number | null;
  /** Aborts the transactions of processes that are no longer running. */
  abortOrphans(): void;
}

/** Credentials alternate between two workspaces. */
export const workspaceOf = (credential: number): string => (credential % 2 === 0 ? 'even' : 'odd');

interface NodeRow {
  readonly confirmed: number;
  /** When the lease expires, in simulated milliseconds. */
  readonly until: number;
  readonly workspaceId: string | null;
}

/** Transactions are aborted after this time. */
const TRANSACTION_TIMEOUT_MS = 500;

export function createSimulatedStore(options: {
  credentials: number;
  /** See `ProtocolImplementation`. */
  skipsShareLock: boolean;
  clock: () => number;
  after: (delayMs: number, work: () => void) => () => void;
}): SimulatedStore {
  const { credentials, skipsShareLock, clock, after } = options;
  let counter = 0;
  let lastVersion = 0;
  /** Not reset when commits are lost, so that IDs are never reused. */
  let lastIdNumber = 0;
  let commitLossCount = 0;
  let history = 'history 0';
  let revocations: readonly Revocation[] = [];
  let versions: readonly (number | null)[] = Array.from({ length: credentials }, () => 0);
  let nodes: ReadonlyMap<string, NodeRow> = new Map();
  let commits = [{ counter, revocations, versions, nodes }];
  const openTransactions = new Set<SimulatedTransaction>();
  let waitingLocks: {
    transaction: SimulatedTransaction;
    lock: LockMode;
    take: () => void;
    fail: (error: Error) => void;
  }[] = [];

  function isGrantable(lock: LockMode): boolean {
    for (const { lock: held } of openTransactions)
      if (held === 'update' || (held === 'share' && lock === 'update')) return false;
    return true;
  }

  function grantNextLock(): void {
    const [first] = waitingLocks;
    if (first === undefined) return;
    const hasEnded = first.transaction.outcome !== null;
    if (!hasEnded && !isGrantable(first.lock)) return;
    if (hasEnded) first.fail(new Error('aborted'));
    else first.take();
    waitingLocks = waitingLocks.slice(1);
    grantNextLock();
  }

  function end(transaction: SimulatedTransaction, outcome: 'committed' | 'aborted'): void {
    transaction.outcome = outcome;
    transaction.lock = null;
    openTransactions.delete(transaction);
    grantNextLock();
  }

  function saveSnapshot(): void {
    commits.push({ counter, revocations, versions, nodes });
  }

  function idOf(number: number): string {
    return revocations.find((revocation) => revocation.number === number)?.id ?? '';
  }

  const head = (): RevocationPoint => ({ history, number: counter, id: idOf(counter) });

  function throwIfEnded(transaction: SimulatedTransaction | undefined): void {
    if (transaction !== undefined && transaction.outcome !== null) throw new Error('aborted');
  }

  function isLost({ number, id }: CommittedRevocation): boolean {
    return number > counter || revocations.some((revocation) => revocation.number === number && revocation.id !== id);
  }

  return {
    read(credential) {
      const name = versions[credential] ?? null;
      if (name === null) return null;
      const workspaceId = workspaceOf(credential);
      const fields = { kind: 'api_key', id: `key_${credential}`, workspaceId, rights: ['read'] } as const;
      return { ...fields, name: String(name), active: true, expiresAt: null, createdAt: 0, passphraseHash: null };
    },
    readHead(transaction) {
      throwIfEnded(transaction);
      return head();
    },
    readAfter(number, limit, transaction) {
      throwIfEnded(transaction);
      const later = revocations.filter((revocation) => revocation.number > number).slice(0, limit);
      return { head: head(), base: idOf(number), revocations: later };
    },
    readWorkspace(workspaceId, after, limit, transaction) {
      throwIfEnded(transaction);
      const later = revocations.filter(({ number }) => number > after);
      const ofWorkspace = later.filter((revocation) => revocation.workspaceId === workspaceId).slice(0, limit);
      return { head: head(), base: idOf(after), storedCount: later.length, revocations: ofWorkspace };
    },
    readLeases: (awaited) => ({
      history,
      lost: awaited.filter(isLost).map(({ id }) => id),
      live: [...nodes]
        .filter(([, { until }]) => until > clock())
        .map(([id, { confirmed, until, workspaceId }]) => {
          // A guard without a later revocation in its workspace counts as having confirmed all revocations.
          const isBehind = revocations.some(
            (revocation) => revocation.workspaceId === workspaceId && revocation.number > confirmed,
          );
          const confirmedNumber = workspaceId === null || isBehind ? confirmed : Math.max(confirmed, counter);
          return { id, workspaceId, confirmed: confirmedNumber, remainingMs: until - clock() };
        }),
    }),
    begin(isAlive) {
      const transaction: SimulatedTransaction = { isAlive, lock: null, outcome: null, writes: [] };
      openTransactions.add(transaction);
      after(TRANSACTION_TIMEOUT_MS, () => transaction.outcome === null && end(transaction, 'aborted'));
      return transaction;
    },
    lockCounter: (transaction, lock) =>
      new Promise((resolve, reject) => {
        if (transaction.outcome !== null) return reject(new Error('aborted'));
        const skipsLock = skipsShareLock && lock === 'share';
        const take = () => {
          if (!skipsLock) transaction.lock = lock;
          resolve(head());
        };
        if (skipsLock || (waitingLocks.length === 0 && isGrantable(lock))) take();
        else waitingLocks.push({ transaction, lock, take, fail: reject });
      }),
    grant(transaction, { id, workspaceId, confirmed, leaseMs }) {
      transaction.writes.push(() => {
        const previous = nodes.get(id);
        nodes = new Map(nodes).set(id, {
          workspaceId,
          confirmed: Math.max(confirmed, previous?.confirmed ?? 0),
          until: Math.max(clock() + leaseMs, previous?.until ?? 0),
        });
      });
    },
    change(transaction, credential, isDeletion) {
      let revocation = { number: 0, id: '' };
      let newVersion = 0;
      if (versions[credential] === null) {
        end(transaction, 'aborted');
        return null;
      }
      transaction.writes.push(() => {
        newVersion = ++lastVersion;
        versions = versions.with(credential, isDeletion ? null : newVersion);
        revocation = { number: ++counter, id: `id ${++lastIdNumber}` };
        revocations = [
          ...revocations,
          { ...revocation, workspaceId: workspaceOf(credential), digest: String(credential) },
        ];
      });
      return { revocation: () => revocation, version: () => newVersion };
    },
    commit(transaction) {
      if (transaction.outcome !== null) throw new Error('aborted');
      for (const write of transaction.writes) write();
      saveSnapshot();
      end(transaction, 'committed');
    },
    releaseLease(id) {
      const remaining = new Map(nodes);
      remaining.delete(id);
      nodes = remaining;
      saveSnapshot();
    },
    prune() {
      const live = [...nodes.values()].filter(({ until }) => until > clock());
      const confirmed = Math.min(counter, ...live.map((node) => node.confirmed));
      revocations = revocations.filter(({ number }) => number >= confirmed);
      saveSnapshot();
    },
    loseCommits(fraction, inPlace) {
      if (inPlace && [...nodes.values()].some(({ until }) => until > clock())) return;
      for (const transaction of openTransactions) end(transaction, 'aborted');
      const index = Math.floor(fraction * (commits.length - 1));
      ({ counter, revocations, versions, nodes } = commits[index] ?? { counter, revocations, versions, nodes });
      commits = commits.slice(0, index + 1);
      commitLossCount++;
      if (!inPlace) history = `history ${commitLossCount}`;
    },
    commitLossCount: () => commitLossCount,
    versionOf: (credential) => versions[credential] ?? null,
    abortOrphans() {
      for (const transaction of openTransactions) if (!transaction.isAlive()) end(transaction, 'aborted');
    },
  };
}
