import type { RevocationPoint } from '../authorization/lease.ts';
import type { StoredCredential } from '../authorization/record.ts';
import type { Revocation } from '../authorization/registry.ts';
import type { WorkspaceRevocations } from './guards.ts';
import type { CommittedRevocation, Confirmation, LeaseSnapshot, RevocationPage } from './node.ts';

/** A transaction of one connection; `alive` returns whether its process is still running. */
export interface SimulatedTransaction {
  readonly alive: () => boolean;
  lock: 'share' | 'update' | null;
  outcome: 'committed' | 'aborted' | null;
  readonly writes: (() => void)[];
}

type LockMode = 'share' | 'update';

/** The properties of a SQL store that the protocol relies on: row locks, atomic commits, one clock. */
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
  begin(alive: () => boolean): SimulatedTransaction;
  lockCounter(transaction: SimulatedTransaction, lock: LockMode): Promise<RevocationPoint>;
  grant(transaction: SimulatedTransaction, confirmation: Confirmation): void;
  /**
   * Edits or deletes a credential; returns null if it does not exist. `inserted` and `version` return the revocation
   * and the new version after the commit.
   */
  change(
    transaction: SimulatedTransaction,
    credential: number,
    deleting: boolean,
  ): { inserted(): CommittedRevocation; version(): number } | null;
  commit(transaction: SimulatedTransaction): void;
  releaseLease(id: string): void;
  prune(): void;
  /**
   * Restores an earlier commit, at the fraction `share` (0 to 1) of all commits, like a failover that lost the later
   * ones. `inPlace`: like a restored backup, without a new history, which only happens while no lease is valid. Leases
   * granted since then, locks and open transactions are lost too.
   */
  rollBack(share: number, inPlace: boolean): void;
  /** Number of rollbacks so far. */
  rollbackCount(): number;
  /** Returns the version of a credential, null if it is deleted. */
  versionOf(credential: number): number | null;
  /** Aborts the transactions of processes that are no longer running. */
  abortOrphans(): void;
}

/** Credentials alternate between two workspaces. */
export const workspaceOf = (credential: number): string => (credential % 2 === 0 ? 'even' : 'odd');

interface NodeRow {
  readonly confirmed: number;
  readonly until: number;
  readonly workspaceId: string | null;
}

/** Transactions are aborted after this time, milliseconds. */
const IDLE_IN_TRANSACTION_MS = 500;

export function createSimulatedStore(options: {
  credentials: number;
  unlocked: boolean;
  clock: () => number;
  after: (delay: number, work: () => void) => () => void;
}): SimulatedStore {
  const { credentials, unlocked, clock, after } = options;
  let counter = 0;
  let version = 0;
  /** Not reset by a rollback, so that ids are never reused. */
  let lastIdNumber = 0;
  let rollbackCount = 0;
  let history = 'history 0';
  let revocations: readonly Revocation[] = [];
  let versions: readonly (number | null)[] = Array.from({ length: credentials }, () => 0);
  let nodes: ReadonlyMap<string, NodeRow> = new Map();
  let commits = [{ counter, revocations, versions, nodes }];
  const open = new Set<SimulatedTransaction>();
  let waiting: { transaction: SimulatedTransaction; lock: LockMode; take: () => void; fail: (error: Error) => void }[] =
    [];

  function isGrantable(lock: LockMode): boolean {
    for (const { lock: held } of open) if (held === 'update' || (held === 'share' && lock === 'update')) return false;
    return true;
  }

  function grantNextLock(): void {
    const [first] = waiting;
    if (first === undefined) return;
    if (first.transaction.outcome !== null || !isGrantable(first.lock)) {
      if (first.transaction.outcome === null) return;
      first.fail(new Error('aborted'));
    } else first.take();
    waiting = waiting.slice(1);
    grantNextLock();
  }

  function end(transaction: SimulatedTransaction, how: 'committed' | 'aborted'): void {
    transaction.outcome = how;
    transaction.lock = null;
    open.delete(transaction);
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

  function write(transaction: SimulatedTransaction, work: () => void): void {
    transaction.writes.push(work);
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
      const remaining = revocations.filter(({ number }) => number > after);
      const own = remaining.filter((revocation) => revocation.workspaceId === workspaceId).slice(0, limit);
      return { head: head(), base: idOf(after), kept: remaining.length, revocations: own };
    },
    readLeases: (awaited) => ({
      history,
      lost: awaited.filter(isLost).map(({ id }) => id),
      live: [...nodes]
        .filter(([, { until }]) => until > clock())
        .map(([id, { confirmed, until, workspaceId }]) => {
          const isBehind = revocations.some(
            (revocation) => revocation.workspaceId === workspaceId && revocation.number > confirmed,
          );
          const effective = workspaceId === null || isBehind ? confirmed : Math.max(confirmed, counter);
          return { id, workspaceId, confirmed: effective, remainingMs: until - clock() };
        }),
    }),
    begin(alive) {
      const transaction: SimulatedTransaction = { alive, lock: null, outcome: null, writes: [] };
      open.add(transaction);
      after(IDLE_IN_TRANSACTION_MS, () => transaction.outcome === null && end(transaction, 'aborted'));
      return transaction;
    },
    lockCounter: (transaction, lock) =>
      new Promise((resolve, reject) => {
        if (transaction.outcome !== null) return reject(new Error('aborted'));
        const take = () => {
          if (!(unlocked && lock === 'share')) transaction.lock = lock;
          resolve(head());
        };
        if ((unlocked && lock === 'share') || (waiting.length === 0 && isGrantable(lock))) take();
        else waiting.push({ transaction, lock, take, fail: reject });
      }),
    grant(transaction, { id, workspaceId, confirmed, leaseMs }) {
      write(transaction, () => {
        const known = nodes.get(id);
        nodes = new Map(nodes).set(id, {
          workspaceId,
          confirmed: Math.max(confirmed, known?.confirmed ?? 0),
          until: Math.max(clock() + leaseMs, known?.until ?? 0),
        });
      });
    },
    change(transaction, credential, deleting) {
      let inserted = { number: 0, id: '' };
      let newVersion = 0;
      if (versions[credential] === null) {
        end(transaction, 'aborted');
        return null;
      }
      write(transaction, () => {
        newVersion = ++version;
        versions = versions.with(credential, deleting ? null : newVersion);
        inserted = { number: ++counter, id: `id ${++lastIdNumber}` };
        revocations = [
          ...revocations,
          { ...inserted, workspaceId: workspaceOf(credential), digest: String(credential) },
        ];
      });
      return { inserted: () => inserted, version: () => newVersion };
    },
    commit(transaction) {
      if (transaction.outcome !== null) throw new Error('aborted');
      for (const work of transaction.writes) work();
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
    rollBack(share, inPlace) {
      if (inPlace && [...nodes.values()].some(({ until }) => until > clock())) return;
      for (const transaction of open) end(transaction, 'aborted');
      const index = Math.floor(share * (commits.length - 1));
      ({ counter, revocations, versions, nodes } = commits[index] ?? { counter, revocations, versions, nodes });
      commits = commits.slice(0, index + 1);
      rollbackCount++;
      if (!inPlace) history = `history ${rollbackCount}`;
    },
    rollbackCount: () => rollbackCount,
    versionOf: (credential) => versions[credential] ?? null,
    abortOrphans() {
      for (const transaction of open) if (!transaction.alive()) end(transaction, 'aborted');
    },
  };
}
