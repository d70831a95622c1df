import {
  type CredentialRecord,
  type Digest,
  labelOf,
  type StoredCredential,
  type UncachedRecord,
  type WorkspaceMark,
} from './record.ts';
import { compileRestrictions } from './restrictions.ts';
import { grantedMaskOf } from './rights.ts';
import type { CounterSlots } from './usage-counters.ts';

/**
 * Makes every node drop the record of one credential, because it was edited or deleted; of all credentials of the
 * workspace if `digest` is null.
 */
export interface Revocation {
  /** Gapless, in commit order. */
  readonly number: number;
  /** Random, because a store that lost commits reuses numbers but never IDs. */
  readonly id: string;
  readonly workspaceId: string;
  readonly digest: Digest | null;
}

/** The records that a revocation applies to. */
export type RevokedRecords = Pick<Revocation, 'workspaceId' | 'digest'>;

/** While the lease holds, this node has applied every revocation and may decide from its cache. */
export interface Lease {
  holds(): boolean;
}

/** A bounded cache of records by digest. */
export interface RecordCache {
  /** Returns the record of a digest; null if it is not cached or its workspace was revoked. */
  get(digest: Digest): CredentialRecord | null;
  /** Adds or replaces the record of a digest. If the cache is full, evicts one that was not used recently. */
  set(digest: Digest, record: UncachedRecord): void;
  delete(digest: Digest): void;
  clear(): void;
  size(): number;
  /** One number per row, for the usage counters. */
  readonly counterSlots: CounterSlots;
}

export interface RecordRegistry {
  /** Returns the record of a digest if it is cached and the lease holds, null otherwise. No I/O. */
  findCached(digest: Digest): CredentialRecord | null;
  /**
   * Resolves to the record of a digest, from the cache or the store; null if the store has none. Rejects with the
   * error of `read` if the record is not cached and cannot be read.
   */
  find(digest: Digest): Promise<CredentialRecord | null>;
  /** Removes revoked records. Afterwards no record that was read earlier is cached or returned to a new look-up. */
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
 * A read is repeated if something was revoked during it, up to this number of reads per look-up. If the last read is
 * affected too, its record is returned but not cached.
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
 * Caches records, never decisions. A look-up that starts after `apply` has returned never sees the revoked record: the
 * record is removed from the cache, and a read that began earlier is neither cached nor shared with new look-ups.
 * Without a lease this node may have missed revocations, so new look-ups share no read that has already begun, only the
 * next one.
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
      const epochBefore = epoch;
      const stored = await read(digest);
      if (epoch !== epochBefore && attemptsLeft > 1) continue;
      if (stored === null) return null;
      const record = recordOf(stored, markOf(stored.workspaceId));
      if (epoch !== epochBefore) return { ...record, row: NO_ROW };
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

  /** Shares the read that starts when `runningRead` ends. */
  function readNext(digest: Digest, runningRead: PendingRead): Promise<CredentialRecord | null> {
    const sharedRead = nextReads.get(digest);
    if (sharedRead !== undefined) return sharedRead;
    const start = () => {
      nextReads.delete(digest);
      return startRead(digest);
    };
    const nextRead = runningRead.record.then(start, start);
    nextReads.set(digest, nextRead);
    return nextRead;
  }

  /** Shares a read of the same digest if that cannot miss a revocation; otherwise starts one. */
  function readOrShare(digest: Digest): Promise<CredentialRecord | null> {
    const runningRead = reads.get(digest);
    if (runningRead === undefined) return nextReads.get(digest) ?? startRead(digest);
    if (!lease.holds()) return readNext(digest, runningRead);
    return runningRead.epoch === epoch ? runningRead.record : startRead(digest);
  }

  function findCached(digest: Digest): CredentialRecord | null {
    if (!lease.holds()) return null;
    return cache.get(digest);
  }

  return {
    findCached,
    find: (digest) => {
      const record = findCached(digest);
      return record === null ? readOrShare(digest) : Promise.resolve(record);
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
  /** Number of nodes that held a lease. */
  readonly nodes: number;
  /** Number of these nodes that confirmed the revocation; the leases of the other nodes expired. */
  readonly confirmed: number;
  /** Milliseconds from the commit until no node could accept the revoked record. */
  readonly ms: number;
}

/**
 * Resolves when no node can accept the revoked record any more: each node has confirmed it, or its lease has expired.
 */
export type WaitForConfirmation = (revocation: Revocation) => Promise<RevocationReceipt>;
