import { createHash } from 'node:crypto';
import type { RevocationPoint } from '../authorization/lease.ts';
import type { Digest, StoredCredential } from '../authorization/record.ts';
import type { Lease, RecordRegistry, WaitForConfirmation } from '../authorization/registry.ts';
import { digestFromBytes } from '../authorization/secret.ts';
import { createGuards, type GuardStore, type Guards } from '../cluster/guards.ts';
import { createClusterNode, type NodeStore } from '../cluster/node.ts';
import { createRevocationBarrier } from '../cluster/revocation-barrier.ts';
import { createSqliteGuardLeases } from '../store/guard-leases-sqlite.ts';
import type { GuardLeases, HeadRow, LeaseSnapshotRow, NodeLeases } from '../store/lease-tables.ts';
import { openNodeLeases } from '../store/node-leases.ts';
import type { PoolUsage } from '../store/postgres-pool.ts';
import { listenForNotifications } from '../store/revocation-listener.ts';
import type { Store } from '../store/store.ts';

/** This process as a member of the cluster that shares its store, and the guards that send it heartbeats. */
export interface ClusterMembership {
  readonly lease: Lease;
  /** Returns the wall clock time at the last check of the lease, which saves another read of the clock. */
  readonly lastWallTime: () => number;
  readonly waitForConfirmation: WaitForConfirmation;
  /**
   * Resolves when all earlier revocations in a workspace (null: in all workspaces) are confirmed, including revocations
   * by other nodes.
   */
  readonly waitForAllConfirmations: (workspaceId: string | null) => Promise<void>;
  readonly guards: Guards;
  /** In a cluster, acquires the first lease, without which cached records are not used. Throws `unavailable`. */
  start(): Promise<void>;
  /** Number of Devpilot servers, and of guards, that hold a lease. */
  countLeases(): Promise<{ servers: number; guards: number }>;
  /** Usage of the connection pool reserved for leases; null on the embedded store. */
  leasePoolUsage(): PoolUsage | null;
  /** Releases the lease, so that no revocation waits for this process. */
  stop(): Promise<void>;
}

/** Reads a record from the store. */
type ReadRecord = (digest: Digest) => Promise<StoredCredential | null>;

const clocks = { monotonic: () => performance.now(), wall: () => Date.now() };

function schedule(delayMs: number, work: () => void): () => void {
  const timer = setTimeout(work, delayMs);
  return () => clearTimeout(timer);
}

/**
 * The membership of the only process on the embedded store. It makes all revocations itself, so its own lease never
 * ends, and revocations wait only for guards. `isNew` is true if no one has signed up yet.
 */
export function createStandaloneMembership(options: {
  store: Store;
  leaseMs: number;
  isNew: boolean;
  registry: RecordRegistry;
  read: ReadRecord;
}): ClusterMembership {
  const { store, leaseMs, isNew, registry, read } = options;
  const leases = createSqliteGuardLeases(store, clocks.wall);
  const revocationBarrier = createRevocationBarrier({
    store: {
      readLeases: async (workspaceIds, awaited) => toLeaseSnapshot(await leases.readLeases(workspaceIds, awaited)),
    },
    leaseMs,
    isNew,
    clocks,
    schedule,
  });
  revocationBarrier.observeHistory(hashHistory(leases.history));
  const guardStore = toGuardStore(leases);
  const guards = createGuards({
    store: {
      ...guardStore,
      async runGuardRenewal(work) {
        await guardStore.runGuardRenewal(work);
        revocationBarrier.checkConfirmations();
      },
      async releaseLease(id) {
        await leases.releaseLease(id);
        revocationBarrier.checkConfirmations();
      },
    },
    read,
    leaseMs,
    schedule,
  });
  return {
    lease: { holds: () => true },
    lastWallTime: clocks.wall,
    async waitForConfirmation(revocation) {
      registry.apply(revocation);
      guards.onRevocation(revocation);
      const { nodes, confirmed, ms } = await revocationBarrier.waitForConfirmation(revocation, revocation.workspaceId);
      // This process, which has already applied the revocation, is counted too.
      return { nodes: nodes + 1, confirmed: confirmed + 1, ms };
    },
    async waitForAllConfirmations(workspaceId) {
      await revocationBarrier.waitForConfirmation(toRevocationPoint(await leases.readHead()), workspaceId);
    },
    guards,
    start: () => Promise.resolve(),
    countLeases: async () => ({ servers: 1, guards: (await leases.readLeases(null, [])).live.length }),
    leasePoolUsage: () => null,
    stop() {
      revocationBarrier.stop();
      return Promise.resolve();
    },
  };
}

/** Hashes the ID of the history, so that guards learn nothing about the database. */
function hashHistory(history: string): string {
  return createHash('sha256').update(history).digest('base64url').slice(0, 22);
}

function toRevocationPoint({ history, counter, head_id }: HeadRow): RevocationPoint {
  return { history: hashHistory(history), number: counter, id: head_id };
}

function toLeaseSnapshot({ history, live, lost }: LeaseSnapshotRow) {
  return {
    history: hashHistory(history),
    live: live.map(({ id, workspace_id, confirmed, remaining_ms }) => ({
      id,
      workspaceId: workspace_id,
      confirmed,
      remainingMs: remaining_ms,
    })),
    lost,
  };
}

const digestOrNull = (bytes: Uint8Array | null): Digest | null => (bytes === null ? null : digestFromBytes(bytes));

function toGuardStore(leases: GuardLeases): GuardStore {
  const readWorkspace =
    (read: GuardLeases['readWorkspace']): GuardStore['readWorkspace'] =>
    async (workspaceId, after, limit) => {
      const feed = await read(workspaceId, after, limit);
      const revocations = feed.rows.map(({ number, id, digest }) => ({ number, id, digest: digestOrNull(digest) }));
      return { head: toRevocationPoint(feed), base: feed.base_id, storedCount: feed.stored_count, revocations };
    };
  return {
    readWorkspace: readWorkspace(leases.readWorkspace),
    runGuardRenewal: (work) =>
      leases.runGuardRenewal(({ lockCounter, readWorkspace: readRows, grantLease: grant }) =>
        work({
          lockCounter: async () => toRevocationPoint(await lockCounter()),
          readWorkspace: readWorkspace(readRows),
          grant,
        }),
      ),
    releaseLease: leases.releaseLease,
  };
}

function toNodeStore(leases: NodeLeases): NodeStore {
  const readAfter =
    (read: NodeLeases['readAfter']): NodeStore['readAfter'] =>
    async (after, limit) => {
      const feed = await read(after, limit);
      const revocations = feed.rows.map(({ number, id, workspace_id, digest }) => {
        return { number, id, workspaceId: workspace_id, digest: digestOrNull(digest) };
      });
      return { head: toRevocationPoint(feed), base: feed.base_id, revocations };
    };
  return {
    readHead: async () => toRevocationPoint(await leases.readHead()),
    readAfter: readAfter(leases.readAfter),
    runRenewal: (work) =>
      leases.runRenewal((renewal) =>
        work({
          lockCounter: async () => toRevocationPoint(await renewal.lockCounter()),
          readHead: async () => toRevocationPoint(await renewal.readHead()),
          readAfter: readAfter(renewal.readAfter),
          grant: renewal.grantLease,
        }),
      ),
    readLeases: async (workspaceIds, awaited) => toLeaseSnapshot(await leases.readLeases(workspaceIds, awaited)),
    notifyNodes: leases.notifyRevoked,
    releaseLease: leases.releaseLease,
  };
}

/**
 * The membership of one of several processes on one PostgreSQL database. `id` is new at every start; `isNew` is true if
 * no one has signed up yet.
 */
export function joinCluster(options: {
  url: string;
  id: string;
  leaseMs: number;
  isNew: boolean;
  registry: RecordRegistry;
  read: ReadRecord;
  clock: () => number;
  onError: (error: unknown) => void;
  onSkew: (skewMs: number, uncertaintyMs: number) => void;
}): ClusterMembership {
  const { url, id, leaseMs, isNew, registry, read, onError } = options;
  const leases = openNodeLeases(options);
  const guards = createGuards({ store: toGuardStore(leases), read, leaseMs, schedule });
  const node = createClusterNode({
    id,
    store: toNodeStore(leases),
    registry: {
      apply(revocation) {
        registry.apply(revocation);
        guards.onRevocation(revocation);
      },
      clear: registry.clear,
    },
    leaseMs,
    isNew,
    clocks,
    schedule,
    random: Math.random,
    onError,
  });
  let listener: { stop(): Promise<void> } | null = null;
  return {
    lease: node,
    lastWallTime: node.lastWallTime,
    waitForConfirmation: node.waitForConfirmation,
    waitForAllConfirmations: async (workspaceId) => {
      await node.waitForAllConfirmations(workspaceId);
    },
    guards,
    async countLeases() {
      const { live } = await leases.readLeases(null, []);
      const servers = live.filter(({ workspace_id }) => workspace_id === null).length;
      return { servers, guards: live.length - servers };
    },
    leasePoolUsage: leases.poolUsage,
    async start() {
      await node.start();
      listener = listenForNotifications(url, node.catchUpNow, node.checkConfirmations);
    },
    async stop() {
      await listener?.stop();
      await node.stop().catch(onError);
      await leases.close();
    },
  };
}
