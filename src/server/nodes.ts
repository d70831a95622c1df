import { createGuards, type GuardStore, type Guards } from '../credentials/guards.ts';
import { createNode, type NodeStore } from '../credentials/node.ts';
import type { Digest, StoredCredential } from '../credentials/record.ts';
import type { Lease, Registry, Revocation } from '../credentials/registry.ts';
import { digestOfBytes } from '../credentials/secret.ts';
import { createSettling } from '../credentials/settling.ts';
import type { Settle } from '../credentials/store.ts';
import { guardTableOnSqlite, readCounter } from '../store/guards-sqlite.ts';
import {
  type GuardTable,
  listenForWakes,
  type NewsRows,
  type NodeTable,
  openNodeTable,
  type RevocationRow,
} from '../store/nodes.ts';
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
 * ends, and only guards are waited for. `bound` in milliseconds.
 */
export function aloneWith(options: { store: Store; bound: number; registry: Registry; read: Read }): Membership {
  const { store, bound, registry, read } = options;
  const table = guardTableOnSqlite(store, clocks.wall);
  const settling = createSettling({
    store: { liveNodes: async (workspaceIds) => (await table.liveNodes(workspaceIds)).map(liveNodeOf) },
    bound,
    clocks,
    schedule,
  });
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
      const { nodes, confirmed, ms } = await settling.settle(revocation.number, revocation.workspaceId);
      return { nodes: nodes + 1, confirmed: confirmed + 1, ms };
    },
    async settleAll(workspaceId) {
      await settling.settle(await readCounter(store), workspaceId);
    },
    guards,
    start: () => Promise.resolve(),
    stop() {
      settling.stop();
      return Promise.resolve();
    },
  };
}

function revocationOf(row: RevocationRow): Revocation {
  return {
    number: row.number,
    workspaceId: row.workspace_id,
    digest: row.digest === null ? null : digestOfBytes(row.digest),
  };
}

function liveNodeOf({ id, workspace_id, confirmed, left }: Awaited<ReturnType<GuardTable['liveNodes']>>[number]) {
  return { id, workspaceId: workspace_id, confirmed, left };
}

/** Numbers are gapless, so all that came after `after` is there if there are as many as the counter went on. */
function newsFrom({ counter, kept, rows }: NewsRows, after: number, limit: number) {
  return {
    counter,
    whole: kept === counter - after,
    through: rows.length < limit ? counter : (rows.at(-1)?.number ?? counter),
    revocations: rows.map(({ number, digest }) => ({ number, digest: digest === null ? null : digestOfBytes(digest) })),
  };
}

function guardStore(table: GuardTable): GuardStore {
  const newsOf =
    (read: GuardTable['newsOf']): GuardStore['newsOf'] =>
    async (workspaceId, after, limit) =>
      newsFrom(await read(workspaceId, after, limit), after, limit);
  return {
    newsOf: newsOf(table.newsOf),
    guardRenewal: (work) =>
      table.guardRenewal((renewal) =>
        work({ lockCounter: renewal.lock, newsOf: newsOf(renewal.newsOf), grant: renewal.grant }),
      ),
    giveUp: table.giveUp,
  };
}

function nodeStore(table: NodeTable): NodeStore {
  const readAfter =
    (read: NodeTable['readAfter']): NodeStore['readAfter'] =>
    async (number, limit) => {
      const { counter, rows } = await read(number, limit);
      return { counter, revocations: rows.map(revocationOf) };
    };
  return {
    readAfter: readAfter(table.readAfter),
    renewal: (work) =>
      table.renewal((renewal) =>
        work({
          lockCounter: renewal.lock,
          readAfter: readAfter(renewal.readAfter),
          grant: renewal.grant,
        }),
      ),
    liveNodes: async (workspaceIds) => (await table.liveNodes(workspaceIds)).map(liveNodeOf),
    wake: table.wake,
    giveUp: table.giveUp,
  };
}

/** One of many processes on one PostgreSQL. `bound` in milliseconds; `id` is new at every start. */
export function amongOthers(options: {
  url: string;
  id: string;
  bound: number;
  registry: Registry;
  read: Read;
  onError: (error: unknown) => void;
}): Membership {
  const { url, id, bound, registry, read, onError } = options;
  const table = openNodeTable(url, bound, onError);
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
