import { type CredentialRecord, type Digest, labelOf, type StoredCredential, type WorkspaceMark } from './record.ts';
import type { RecordCache, UncachedRecord } from './record-cache.ts';
import { grantedMaskOf } from './rights.ts';
import type { CounterSlots } from './usage-counters.ts';

/** What ends records: one credential by its digest, or with null all of a workspace. */
export interface Revocation {
  /** Gapless, in the order in which the store committed them. */
  readonly number: number;
  /** Random: a store that went back in time uses numbers again, but never an id. */
  readonly id: string;
  readonly workspaceId: string;
  readonly digest: Digest | null;
}

/** Which records a revocation ends. */
export type RevokedRecords = Pick<Revocation, 'workspaceId' | 'digest'>;

/** Proof that this node has seen every revocation; only while it holds may memory be judged from. */
export interface Lease {
  holds(): boolean;
}

export interface RecordRegistry {
  /** The record of a digest if it is in memory and memory may be judged from, null otherwise. No I/O. */
  findCached(digest: Digest): CredentialRecord | null;
  /**
   * The record of a digest, from memory or the store; null where the store has none.
   * Rejects when it has to be read and the store can't be: never guesses.
   */
  find(digest: Digest): Promise<CredentialRecord | null>;
  /** Forgets what was revoked. From its return on, no record read before it is remembered or handed out. */
  apply(revocation: RevokedRecords): void;
  /** Forgets everything. */
  clear(): void;
  /** Whether memory has the record, be it one to judge from now or not. */
  isCached(digest: Digest): boolean;
  /** Records in memory. */
  size(): number;
  /** Where the uses of its records are counted. */
  readonly counterSlots: CounterSlots;
}

interface PendingRead {
  readonly epoch: number;
  readonly record: Promise<CredentialRecord | null>;
}

/** How often a read is done anew because something was revoked meanwhile, before it is taken as it came. */
const MAX_READ_ATTEMPTS = 3;
/** Of a record that is handed out and not remembered. */
const NO_ROW = -1;

/**
 * Remembers records, never verdicts. A judgement that starts after `apply` returned never sees what
 * was revoked: memory no longer has it, a read that began earlier is not remembered, and nobody
 * joins such a read. Without a lease this node may not have been told of a revocation, so then nobody
 * joins any read that has begun: those who come share the next one.
 */
export function createRecordRegistry(options: {
  read: (digest: Digest) => Promise<StoredCredential | null>;
  lease: Lease;
  /** Empty, and nobody else's. */
  cache: RecordCache;
}): RecordRegistry {
  const { read, lease, cache } = options;
  const workspaces = new Map<string, WorkspaceMark>();
  const reads = new Map<Digest, PendingRead>();
  const nextReads = new Map<Digest, Promise<CredentialRecord | null>>();
  /** Grows with each revocation: what was read in an earlier epoch may be stale. */
  let epoch = 0;

  function markOf(id: string): WorkspaceMark {
    let mark = workspaces.get(id);
    if (mark === undefined) workspaces.set(id, (mark = { id, revoked: false }));
    return mark;
  }

  function recordOf(stored: StoredCredential): UncachedRecord {
    return {
      kind: stored.kind,
      label: labelOf(stored.id, stored.name),
      id: stored.id,
      name: stored.name,
      workspace: markOf(stored.workspaceId),
      rights: grantedMaskOf(stored.kind, stored.rights, stored.guard),
      active: stored.active,
      expiresAt: stored.expiresAt,
      createdAt: stored.createdAt,
      passphraseHash: stored.passphraseHash,
    };
  }

  async function readRecord(digest: Digest): Promise<CredentialRecord | null> {
    for (let attemptsLeft = MAX_READ_ATTEMPTS; ; attemptsLeft--) {
      const before = epoch;
      const stored = await read(digest);
      if (epoch !== before && attemptsLeft > 1) continue;
      if (stored === null) return null;
      const record = recordOf(stored);
      if (epoch !== before) return { ...record, row: NO_ROW };
      cache.set(digest, record);
      return cache.get(digest);
    }
  }

  function startRead(digest: Digest): Promise<CredentialRecord | null> {
    const pendingRead: PendingRead = {
      epoch,
      record: readRecord(digest).finally(() => {
        if (reads.get(digest) === pendingRead) reads.delete(digest);
      }),
    };
    reads.set(digest, pendingRead);
    return pendingRead.record;
  }

  function readNext(digest: Digest, running: PendingRead): Promise<CredentialRecord | null> {
    const waiting = nextReads.get(digest);
    if (waiting !== undefined) return waiting;
    const start = () => {
      nextReads.delete(digest);
      return startRead(digest);
    };
    const next = running.record.then(start, start);
    nextReads.set(digest, next);
    return next;
  }

  function readOnce(digest: Digest): Promise<CredentialRecord | null> {
    const running = reads.get(digest);
    if (running === undefined) return nextReads.get(digest) ?? startRead(digest);
    if (!lease.holds()) return readNext(digest, running);
    return running.epoch === epoch ? running.record : startRead(digest);
  }

  function findCached(digest: Digest): CredentialRecord | null {
    if (!lease.holds()) return null;
    return cache.get(digest);
  }

  return {
    findCached,
    find: (digest) => {
      const record = findCached(digest);
      return record === null ? readOnce(digest) : Promise.resolve(record);
    },
    apply({ workspaceId, digest }) {
      epoch++;
      if (digest !== null) {
        cache.delete(digest);
        return;
      }
      const mark = workspaces.get(workspaceId);
      if (mark === undefined) return;
      mark.revoked = true;
      workspaces.delete(workspaceId);
    },
    clear() {
      epoch++;
      cache.clear();
      workspaces.clear();
    },
    isCached: (digest) => cache.get(digest) !== null,
    size: cache.size,
    counterSlots: cache.counterSlots,
  };
}

/** How a revocation was confirmed. */
export interface RevocationReceipt {
  /** Nodes that could have decided from memory, and those of them that confirmed; the others lost their lease. */
  readonly nodes: number;
  readonly confirmed: number;
  /** Milliseconds from the commit until no node could accept it. */
  readonly ms: number;
}

/** Resolves when no node can accept the revoked record any more: each has confirmed, or lost its lease. */
export type WaitForConfirmation = (revocation: Revocation) => Promise<RevocationReceipt>;
