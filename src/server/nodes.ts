import { createNode, type NodeStore } from '../credentials/lease.ts';
import type { Lease, Registry, Revocation } from '../credentials/registry.ts';
import { digestOfBytes } from '../credentials/secret.ts';
import type { Settle } from '../credentials/store.ts';
import { listenForWakes, type NodeTable, openNodeTable, type RevocationRow } from '../store/nodes.ts';

/** This process among the others that share its store. */
export interface Membership {
  readonly lease: Lease;
  readonly settle: Settle;
  /** Resolves when all that was revoked before the call is settled, by whichever node. */
  readonly settleAll: () => Promise<void>;
  /** Takes the first lease for the registry's memory. Throws `unavailable`. */
  start(): Promise<void>;
  /** Gives the lease up, so that nobody waits for this process. */
  stop(): Promise<void>;
}

/** The only process that has the embedded store: it made every revocation itself, so its lease never ends. */
export function aloneWith(registry: Registry): Membership {
  return {
    lease: { holds: () => true },
    settle: (revocation) => {
      registry.apply(revocation);
      return Promise.resolve({ nodes: 1, confirmed: 1, ms: 0 });
    },
    settleAll: () => Promise.resolve(),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}

function revocationOf(row: RevocationRow): Revocation {
  return {
    number: row.number,
    workspaceId: row.workspace_id,
    digest: row.digest === null ? null : digestOfBytes(row.digest),
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
          grant: ({ id, confirmed, bound, moved }) => renewal.grant(id, confirmed, bound, moved),
        }),
      ),
    liveNodes: table.liveNodes,
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
  onError: (error: unknown) => void;
}): Membership {
  const { url, id, bound, registry, onError } = options;
  const table = openNodeTable(url, bound, onError);
  const node = createNode({
    id,
    store: nodeStore(table),
    registry,
    bound,
    clocks: { monotonic: () => performance.now(), wall: () => Date.now() },
    schedule(delay, work) {
      const timer = setTimeout(work, delay);
      return () => clearTimeout(timer);
    },
    random: Math.random,
    onError,
  });
  let listener: { stop(): Promise<void> } | null = null;
  return {
    lease: node,
    settle: node.settle,
    settleAll: async () => {
      await node.settleAll();
    },
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
