import { type CredentialRecord, type Digest, labelOf, type StoredCredential, type WorkspaceMark } from './record.ts';
import type { RecordCache, UncachedRecord } from './record-cache.ts';
import { compileRestrictions } from './restrictions.ts';
import { grantedMaskOf } from './rights.ts';
import type { CounterSlots } from './usage-counters.ts';

/** Revokes one credential, or the whole workspace if `digest` is null. */
export interface Revocation {
  /** Gapless, in commit order. */
  readonly number: number;
  /** Random, because a store that lost commits reuses numbers but never ids. */
  readonly id: string;
  readonly workspaceId: string;
  readonly digest: Digest | null;
}

/** The records that a revocation applies to. */
export type RevokedRecords = Pick<Revocation, 'workspaceId' | 'digest'>;

/** While it holds, this node has applied every revocation and may decide from its cache. */
export interface Lease {
  holds(): boolean;
}

export interface RecordRegistry {
  /** Returns the record of a digest if it is cached and the lease holds, null otherwise. No I/O. */
  findCached(digest: Digest): CredentialRecord | null;
  /**
   * Resolves to the record of a digest, from the cache or the store; null if the store has none. Rejects with the
   * error of `read` if the record is not cached and cannot be read.
   */
  find(digest: Digest): Promise<CredentialRecord | null>;
  /** Removes revoked records. After this returns, no record read earlier is cached or returned to a new look-up. */
  apply(revocation: RevokedRecords): void;
  /** Removes all records. */
  clear(): void;
  /** Whether the record is cached, even if the lease does not hold. */
  isCached(digest: Digest): boolean;
  /** Number of cached records. */
  size(): number;
  /** The usage counters' slots of the cached records. */
  readonly counterSlots: CounterSlots;
}

interface PendingRead {
  readonly epoch: number;
  readonly record: Promise<CredentialRecord | null>;
}

/**
 * Reads of one look-up: a read is repeated if something was revoked during it, except the last one, whose record is
 * returned uncached.
 */
const MAX_READ_ATTEMPTS = 3;
/** Row of a record that is returned but not cached. */
export const NO_ROW = -1;

/** Returns the record of a stored credential in the form that a decision needs. Pure. */
export function recordOf(stored: StoredCredential, workspace: WorkspaceMark): UncachedRecord {
  return {
    kind: stored.kind,
    label: labelOf(stored.id, stored.name),
    id: stored.id,
    name: stored.name,
    workspace,
    rights: grantedMaskOf(stored.kind, stored.rights, stored.guard),
    active: stored.active,
    expiresAt: stored.expiresAt,
    createdAt: stored.createdAt,
    passphraseHash: stored.passphraseHash,
    restrictions: compileRestrictions(stored.restrictions),
  };
}

/**
 * Caches records, never decisions. A look-up that starts after `apply` returned never sees the revoked record: it is
 * removed from the cache, and a read that began earlier is neither cached nor shared with new look-ups. Without a lease
 * this node may have missed revocations, so new look-ups share no read that has already begun, only the next one.
 */
export function createRecordRegistry(options: {
  read: (digest: Digest) => Promise<StoredCredential | null>;
  lease: Lease;
  /** Must be empty and used by this registry only. */
  cache: RecordCache;
}): RecordRegistry {
  const { read, lease, cache } = options;
  const workspaces = new Map<string, WorkspaceMark>();
  const reads = new Map<Digest, PendingRead>();
  const nextReads = new Map<Digest, Promise<CredentialRecord | null>>();
  /** Incremented by each revocation; a record read in an earlier epoch may be stale. */
  let epoch = 0;

  function markOf(id: string): WorkspaceMark {
    let mark = workspaces.get(id);
    if (mark === undefined) workspaces.set(id, (mark = { id, revoked: false }));
    return mark;
  }

  async function readRecord(digest: Digest): Promise<CredentialRecord | null> {
    for (let attemptsLeft = MAX_READ_ATTEMPTS; ; attemptsLeft--) {
      const before = epoch;
      const stored = await read(digest);
      if (epoch !== before && attemptsLeft > 1) continue;
      if (stored === null) return null;
      const record = recordOf(stored, markOf(stored.workspaceId));
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
  /** Number of nodes that held a lease. */ readonly nodes: number /** How many of them confirmed the revocation; the leases of the others expired. */;
  readonly confirmed: number;
  /** Milliseconds from the commit until no node could accept the revoked record. */
  readonly ms: number;
}

/** Resolves when no node can accept the revoked record any more: each has confirmed it, or its lease has expired. */
export type WaitForConfirmation = (revocation: Revocation) => Promise<RevocationReceipt>;
