import type { News } from './guard-lease.ts';
import type { Caught, Confirmation, LiveNode } from './node.ts';
import type { StoredCredential } from './record.ts';
import type { Revocation } from './registry.ts';

/** A transaction of one connection; `alive` says whether its process still is. */
export interface SimulatedTransaction {
  readonly alive: () => boolean;
  lock: 'share' | 'update' | null;
  over: 'committed' | 'aborted' | null;
  readonly writes: (() => void)[];
}

type Lock = 'share' | 'update';

/** The part of a SQL store that the protocol rests on: row locks, commits that are seen whole, one clock. */
export interface SimulatedStore {
  read(credential: number): StoredCredential | null;
  readAfter(number: number, limit: number, transaction?: SimulatedTransaction): Caught;
  newsOf(workspaceId: string, after: number, limit: number, transaction?: SimulatedTransaction): News;
  liveNodes(): LiveNode[];
  begin(alive: () => boolean): SimulatedTransaction;
  lockCounter(transaction: SimulatedTransaction, lock: Lock): Promise<number>;
  grant(transaction: SimulatedTransaction, confirmation: Confirmation): void;
  /** Writes a new version, or takes the credential away; null where there is none. What it became is known after the commit. */
  change(
    transaction: SimulatedTransaction,
    credential: number,
    deleting: boolean,
  ): { number(): number; version(): number } | null;
  commit(transaction: SimulatedTransaction): void;
  giveUp(id: string): void;
  prune(): void;
  /** Ends the transactions of processes that are gone. */
  abortOrphans(): void;
}

/** Credentials in turn belong to either of two workspaces. */
export const workspaceOf = (credential: number): string => (credential % 2 === 0 ? 'even' : 'odd');

/** What stays locked by a connection that says nothing is given up after this, milliseconds. */
const IDLE_IN_TRANSACTION = 500;

export function createSimulatedStore(options: {
  credentials: number;
  unlocked: boolean;
  clock: () => number;
  after: (delay: number, work: () => void) => () => void;
}): SimulatedStore {
  const { credentials, unlocked, clock, after } = options;
  let counter = 0;
  let version = 0;
  let revocations: Revocation[] = [];
  const versions: (number | null)[] = Array.from({ length: credentials }, () => 0);
  const nodes = new Map<string, { confirmed: number; until: number; workspaceId: string | null }>();
  const open = new Set<SimulatedTransaction>();
  let waiting: { transaction: SimulatedTransaction; lock: Lock; take: () => void; fail: (error: Error) => void }[] = [];

  function free(lock: Lock): boolean {
    for (const { lock: held } of open) if (held === 'update' || (held === 'share' && lock === 'update')) return false;
    return true;
  }

  function handOver(): void {
    const [first] = waiting;
    if (first === undefined) return;
    if (first.transaction.over !== null || !free(first.lock)) {
      if (first.transaction.over === null) return;
      first.fail(new Error('aborted'));
    } else first.take();
    waiting = waiting.slice(1);
    handOver();
  }

  function end(transaction: SimulatedTransaction, how: 'committed' | 'aborted'): void {
    transaction.over = how;
    transaction.lock = null;
    open.delete(transaction);
    handOver();
  }

  function write(transaction: SimulatedTransaction, work: () => void): void {
    transaction.writes.push(work);
  }

  return {
    read(credential) {
      const name = versions[credential] ?? null;
      if (name === null) return null;
      const workspaceId = workspaceOf(credential);
      const facts = { kind: 'api_key', id: `key_${credential}`, workspaceId, rights: ['read'] } as const;
      return { ...facts, name: String(name), active: true, expiresAt: null, createdAt: 0, passphraseHash: null };
    },
    readAfter(number, limit, transaction) {
      if (transaction !== undefined && transaction.over !== null) throw new Error('aborted');
      return { counter, revocations: revocations.filter((revocation) => revocation.number > number).slice(0, limit) };
    },
    newsOf(workspaceId, after, limit, transaction) {
      if (transaction !== undefined && transaction.over !== null) throw new Error('aborted');
      const kept = revocations.filter(({ number }) => number > after);
      const news = kept.filter((revocation) => revocation.workspaceId === workspaceId).slice(0, limit);
      return {
        counter,
        whole: kept.length === counter - after,
        through: news.length < limit ? counter : (news.at(-1)?.number ?? counter),
        revocations: news,
      };
    },
    liveNodes: () =>
      [...nodes]
        .filter(([, { until }]) => until > clock())
        .map(([id, { confirmed, until, workspaceId }]) => {
          const isBehind = revocations.some((one) => one.workspaceId === workspaceId && one.number > confirmed);
          const effective = workspaceId === null || isBehind ? confirmed : Math.max(confirmed, counter);
          return { id, workspaceId, confirmed: effective, left: until - clock() };
        }),
    begin(alive) {
      const transaction: SimulatedTransaction = { alive, lock: null, over: null, writes: [] };
      open.add(transaction);
      after(IDLE_IN_TRANSACTION, () => transaction.over === null && end(transaction, 'aborted'));
      return transaction;
    },
    lockCounter: (transaction, lock) =>
      new Promise((resolve, reject) => {
        if (transaction.over !== null) return reject(new Error('aborted'));
        const take = () => {
          if (!(unlocked && lock === 'share')) transaction.lock = lock;
          resolve(counter);
        };
        if ((unlocked && lock === 'share') || (waiting.length === 0 && free(lock))) take();
        else waiting.push({ transaction, lock, take, fail: reject });
      }),
    grant(transaction, { id, workspaceId, confirmed, bound }) {
      write(transaction, () => {
        const known = nodes.get(id);
        nodes.set(id, {
          workspaceId,
          confirmed: Math.max(confirmed, known?.confirmed ?? 0),
          until: Math.max(clock() + bound, known?.until ?? 0),
        });
      });
    },
    change(transaction, credential, deleting) {
      let number = 0;
      let mine = 0;
      if (versions[credential] === null) {
        end(transaction, 'aborted');
        return null;
      }
      write(transaction, () => {
        mine = ++version;
        versions[credential] = deleting ? null : mine;
        number = ++counter;
        revocations.push({ number, workspaceId: workspaceOf(credential), digest: String(credential) });
      });
      return { number: () => number, version: () => mine };
    },
    commit(transaction) {
      if (transaction.over !== null) throw new Error('aborted');
      for (const work of transaction.writes) work();
      end(transaction, 'committed');
    },
    giveUp: (id) => void nodes.delete(id),
    prune() {
      const live = [...nodes.values()].filter(({ until }) => until > clock());
      const confirmed = Math.min(counter, ...live.map((node) => node.confirmed));
      revocations = revocations.filter(({ number }) => number > confirmed);
    },
    abortOrphans() {
      for (const transaction of open) if (!transaction.alive()) end(transaction, 'aborted');
    },
  };
}
