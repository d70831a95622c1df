import { createHash } from 'node:crypto';
import { createGuards, type GuardStore, type Guards } from '../credentials/guards.ts';
import type { Point } from '../credentials/lease.ts';
import { createNode, type NodeStore } from '../credentials/node.ts';
import type { Digest, StoredCredential } from '../credentials/record.ts';
import type { Lease, Registry } from '../credentials/registry.ts';
import { digestOfBytes } from '../credentials/secret.ts';
import { createSettling } from '../credentials/settling.ts';
import type { Settle } from '../credentials/store.ts';
import { guardTableOnSqlite } from '../store/guards-sqlite.ts';
import {
  type GuardTable,
  type HeadRow,
  type LookRow,
  listenForWakes,
  type NodeTable,
  openNodeTable,
} from '../store/nodes.ts';
import type { PoolFigures } from '../store/postgres-pool.ts';
import type { Store } from '../store/store.ts';

/** This process among the others that share its store, and the guards that beat at it. */
export interface Membership {
  readonly lease: Lease;
  /** The wall clock right after the lease was asked, which has just read it. */
  readonly looked: () => number;
  readonly settle: Settle;
  /** Resolves when all that was revoked before the call in a workspace (null: in any) is settled, by whichever node. */
  readonly settleAll: (workspaceId: string | null) => Promise<void>;
  readonly guards: Guards;
  /** Takes the first lease for the registry's memory. Throws `unavailable`. */
  start(): Promise<void>;
  /** Servers and guards with a lease. */
  countLeases(): Promise<{ servers: number; guards: number }>;
  /** The pool of connections that leases have for themselves; null on the embedded store. */
  pool(): PoolFigures | null;
  /** Gives the lease up, so that nobody waits for this process. */
  stop(): Promise<void>;
}

/** Reads a record from the store. */
type Read = (digest: Digest) => Promise<StoredCredential | null>;

const clocks = { monotonic: () => performance.now(), wall: () => Date.now() };

function schedule(delay: number, work: () => void): () => void {
  const timer = setTimeout(work, delay);
  return () => clearTimeout(timer);
}

/**
 * The only process that has the embedded store: it made every revocation itself, so its own lease never
 * ends, and only guards are waited for. `bound` in milliseconds; `isNew` where nobody has signed up yet.
 */
export function aloneWith(options: {
  store: Store;
  bound: number;
  isNew: boolean;
  registry: Registry;
  read: Read;
}): Membership {
  const { store, bound, isNew, registry, read } = options;
  const table = guardTableOnSqlite(store, clocks.wall);
  const settling = createSettling({
    store: { look: async (workspaceIds, awaited) => lookOf(await table.look(workspaceIds, awaited)) },
    bound,
    isNew,
    clocks,
    schedule,
  });
  settling.see(historyOf(table.history));
  const ofTable = guardStore(table);
  const guards = createGuards({
    store: {
      ...ofTable,
      async guardRenewal(work) {
        await ofTable.guardRenewal(work);
        settling.look();
      },
      async giveUp(id) {
        await table.giveUp(id);
        settling.look();
      },
    },
    read,
    bound,
    schedule,
  });
  return {
    lease: { holds: () => true },
    looked: clocks.wall,
    async settle(revocation) {
      registry.apply(revocation);
      guards.told(revocation);
      const { nodes, confirmed, ms } = await settling.settle(revocation, revocation.workspaceId);
      return { nodes: nodes + 1, confirmed: confirmed + 1, ms };
    },
    async settleAll(workspaceId) {
      await settling.settle(pointOf(await table.readHead()), workspaceId);
    },
    guards,
    start: () => Promise.resolve(),
    countLeases: async () => ({ servers: 1, guards: (await table.look(null, [])).live.length }),
    pool: () => null,
    stop() {
      settling.stop();
      return Promise.resolve();
    },
  };
}

/** Guards are told it: a digest says nothing of the database. */
function historyOf(history: string): string {
  return createHash('sha256').update(history).digest('base64url').slice(0, 22);
}

function pointOf({ history, counter, head_id }: HeadRow): Point {
  return { history: historyOf(history), number: counter, id: head_id };
}

function lookOf({ history, live, lost }: LookRow) {
  return {
    history: historyOf(history),
    live: live.map(({ id, workspace_id, confirmed, left }) => ({ id, workspaceId: workspace_id, confirmed, left })),
    lost,
  };
}

const maybeDigest = (bytes: Uint8Array | null): Digest | null => (bytes === null ? null : digestOfBytes(bytes));

function guardStore(table: GuardTable): GuardStore {
  const readWorkspace =
    (read: GuardTable['newsOf']): GuardStore['readWorkspace'] =>
    async (workspaceId, after, limit) => {
      const found = await read(workspaceId, after, limit);
      const revocations = found.rows.map(({ number, id, digest }) => ({ number, id, digest: maybeDigest(digest) }));
      return { head: pointOf(found), base: found.base_id, kept: found.kept, revocations };
    };
  return {
    readWorkspace: readWorkspace(table.newsOf),
    guardRenewal: (work) =>
      table.guardRenewal(({ lock, newsOf, grant }) =>
        work({ lockCounter: async () => pointOf(await lock()), readWorkspace: readWorkspace(newsOf), grant }),
      ),
    giveUp: table.giveUp,
  };
}

function nodeStore(table: NodeTable): NodeStore {
  const readAfter =
    (read: NodeTable['readAfter']): NodeStore['readAfter'] =>
    async (after, limit) => {
      const found = await read(after, limit);
      const revocations = found.rows.map(({ number, id, workspace_id, digest }) => {
        return { number, id, workspaceId: workspace_id, digest: maybeDigest(digest) };
      });
      return { head: pointOf(found), base: found.base_id, revocations };
    };
  return {
    readHead: async () => pointOf(await table.readHead()),
    readAfter: readAfter(table.readAfter),
    renewal: (work) =>
      table.renewal((renewal) =>
        work({
          lockCounter: async () => pointOf(await renewal.lock()),
          readHead: async () => pointOf(await renewal.readHead()),
          readAfter: readAfter(renewal.readAfter),
          grant: renewal.grant,
        }),
      ),
    look: async (workspaceIds, awaited) => lookOf(await table.look(workspaceIds, awaited)),
    wake: table.wake,
    giveUp: table.giveUp,
  };
}

/**
 * One of many processes on one PostgreSQL. `bound` in milliseconds; `id` is new at every start; `isNew` where
 * nobody has signed up yet.
 */
export function amongOthers(options: {
  url: string;
  id: string;
  bound: number;
  isNew: boolean;
  registry: Registry;
  read: Read;
  clock: () => number;
  onError: (error: unknown) => void;
  onSkew: (skewMs: number, uncertaintyMs: number) => void;
}): Membership {
  const { url, id, bound, isNew, registry, read, onError } = options;
  const table = openNodeTable(options);
  const guards = createGuards({ store: guardStore(table), read, bound, schedule });
  const node = createNode({
    id,
    store: nodeStore(table),
    registry: {
      apply(revocation) {
        registry.apply(revocation);
        guards.told(revocation);
      },
      clear: registry.clear,
    },
    bound,
    isNew,
    clocks,
    schedule,
    random: Math.random,
    onError,
  });
  let listener: { stop(): Promise<void> } | null = null;
  return {
    lease: node,
    looked: node.looked,
    settle: node.settle,
    settleAll: async (workspaceId) => {
      await node.settleAll(workspaceId);
    },
    guards,
    async countLeases() {
      const { live } = await table.look(null, []);
      const servers = live.filter(({ workspace_id }) => workspace_id === null).length;
      return { servers, guards: live.length - servers };
    },
    pool: table.pool,
    async start() {
      await node.start();
      listener = listenForWakes(url, node.wake, node.look);
    },
    async stop() {
      await listener?.stop();
      await node.stop().catch(onError);
      await table.close();
    },
  };
}
