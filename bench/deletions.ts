import { createRecordCache } from '../src/authorization/record-cache.ts';
import { createRecordRegistry } from '../src/authorization/registry.ts';
import { createId } from '../src/contract/id.ts';
import { joinCluster } from '../src/server/cluster-membership.ts';
import { insertRevocation } from '../src/store/credentials.ts';
import { openPostgresStore } from '../src/store/postgres.ts';
import { startPostgres } from '../src/testing/postgres.ts';
import { startTestCluster, type TestCluster, type TestClusterKey } from '../src/testing/test-cluster.ts';
import { until } from '../src/testing/until.ts';
import { startServerProcess } from './lib/processes.ts';
import { atMost, type Finding, formatList, median, medianRatio } from './lib/report.ts';

const LEASE_MS = 1000;
const SEQUENTIAL_DELETIONS = 200;
const CONCURRENCY = 16;
const CONCURRENT_DELETIONS = 640;
const DELETIONS_WITH_FROZEN_NODE = 8;
/** Numbers of nodes in one process while confirmations are timed. */
const NODE_COUNTS = [3, 10, 30];
const MANY_NODES_LEASE_MS = 2000;

/** Caches a key on the nodes with these indexes, deletes it, and returns the response time in milliseconds. */
async function timeDeletion(
  { owner, authorize }: TestCluster,
  key: TestClusterKey,
  nodeIndexes: readonly number[],
): Promise<number> {
  await Promise.all(nodeIndexes.map((index) => authorize(index, key.secret)));
  const startMs = performance.now();
  const { status } = await owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' });
  if (status !== 204) throw new Error(`A deletion returned ${status}.`);
  return performance.now() - startMs;
}

/** Returns the response time of the creation of a project, which other nodes do not have to confirm, in ms. */
async function timeCreation({ owner }: TestCluster, name: string): Promise<number> {
  const startMs = performance.now();
  const { status } = await owner.call('/v1/projects', { body: { name } });
  if (status !== 201) throw new Error(`A creation returned ${status}.`);
  return performance.now() - startMs;
}

/** Times the first deletion after a node froze; only this deletion waits for the node's lease to expire. */
async function timeDeletionWithFrozenNode(cluster: TestCluster, key: TestClusterKey): Promise<number> {
  const { pid, url } = cluster.nodeAt(1);
  await until(async () => (await fetch(`${url}/readyz`)).ok && (await cluster.authorize(1, key.secret)) === 200);
  process.kill(pid, 'SIGSTOP');
  try {
    return await timeDeletion(cluster, key, [0, 2]);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/**
 * Starts `count` nodes in this process. Returns, per revocation, the milliseconds until all nodes have confirmed it.
 */
async function timeConfirmations(count: number): Promise<number[]> {
  const postgres = await startPostgres({ durable: true });
  const url = await postgres.createDatabase();
  const store = await openPostgresStore(url, () => undefined);
  const lease = { holds: () => false };
  const read = () => Promise.resolve(null);
  const registry = createRecordRegistry({ read, lease, cache: createRecordCache(1) });
  const nodes = Array.from({ length: count }, () =>
    joinCluster({
      url,
      id: createId('node'),
      leaseMs: MANY_NODES_LEASE_MS,
      isNew: true,
      registry,
      read,
      clock: Date.now,
      onError: () => undefined,
      onSkew: () => undefined,
    }),
  );
  try {
    await Promise.all(nodes.map((node) => node.start()));
    const confirmationTimesMs: number[] = [];
    const [firstNode] = nodes;
    for (let remaining = SEQUENTIAL_DELETIONS; remaining > 0 && firstNode !== undefined; remaining--) {
      const startMs = performance.now();
      const revocation = await store.transaction((trx) =>
        insertRevocation(trx, 'wsp_01', new Uint8Array(32), Date.now()),
      );
      // Only the number of the revocation matters for the confirmation.
      await firstNode.waitForConfirmation({ ...revocation, workspaceId: 'wsp_01', digest: null });
      confirmationTimesMs.push(performance.now() - startMs);
    }
    return confirmationTimesMs;
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    await store.close();
    await postgres.close();
  }
}

/** Measures the response time of deletions with three nodes, and the time of confirmations with many. */
export async function deletions(): Promise<Finding[]> {
  const start = (environment: Readonly<Record<string, string>>) =>
    startServerProcess('bench/lib/serve.ts', { environment, cores: '0,1' });
  const { cluster, keys } = await startTestCluster(start, {
    revocationBoundMs: LEASE_MS,
    durable: true,
    keyCount: SEQUENTIAL_DELETIONS + CONCURRENT_DELETIONS + DELETIONS_WITH_FROZEN_NODE,
  });
  const nextKey = (): TestClusterKey => {
    const key = keys.pop();
    if (key === undefined) throw new Error('No keys remain.');
    return key;
  };
  try {
    const deletionTimesMs: number[] = [];
    const creationTimesMs: number[] = [];
    for (let remaining = SEQUENTIAL_DELETIONS; remaining > 0; remaining--) {
      deletionTimesMs.push(await timeDeletion(cluster, nextKey(), [0, 1, 2]));
      creationTimesMs.push(await timeCreation(cluster, `Project ${remaining}`));
    }
    const startMs = performance.now();
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        for (let remaining = CONCURRENT_DELETIONS / CONCURRENCY; remaining > 0; remaining--)
          await timeDeletion(cluster, nextKey(), [0, 1, 2]);
      }),
    );
    const deletionsPerSecond = CONCURRENT_DELETIONS / ((performance.now() - startMs) / 1000);
    const frozenNodeTimesMs: number[] = [];
    for (let remaining = DELETIONS_WITH_FROZEN_NODE; remaining > 0; remaining--)
      frozenNodeTimesMs.push(await timeDeletionWithFrozenNode(cluster, nextKey()));
    const sortedTimesMs = deletionTimesMs.toSorted((a, b) => a - b);
    const percentile = (fraction: number) =>
      sortedTimesMs[Math.floor((sortedTimesMs.length - 1) * fraction)] ?? Number.NaN;
    const manyNodeFindings: Finding[] = [];
    for (const count of NODE_COUNTS) {
      const confirmationTimesMs = await timeConfirmations(count);
      manyNodeFindings.push({
        name: `median time until ${count} nodes in one process have confirmed a revocation`,
        value: median(confirmationTimesMs),
        unit: ' ms',
        bound: null,
        measurements: `${confirmationTimesMs.length} revocations, one at a time; longest ${Math.max(...confirmationTimesMs).toFixed(1)} ms`,
      });
    }
    return [
      ...manyNodeFindings,
      {
        name: 'response time of a deletion with three healthy nodes, one at a time, relative to the creation of a project, which other nodes do not have to confirm',
        value: medianRatio(deletionTimesMs, creationTimesMs),
        unit: '×',
        bound: atMost(4),
        measurements: `${deletionTimesMs.length} deletions; median ${median(deletionTimesMs).toFixed(1)} ms over ${median(creationTimesMs).toFixed(1)} ms; 10th, 90th, 99th percentile and longest ${formatList([0.1, 0.9, 0.99, 1].map(percentile))} ms`,
      },
      {
        name: 'longest response time of a deletion while a node is frozen, with leases of 1 s',
        value: Math.max(...frozenNodeTimesMs),
        unit: ' ms',
        bound: atMost(LEASE_MS + 1000),
        measurements: `${formatList(frozenNodeTimesMs)} ms`,
      },
      {
        name: `deletions per second with ${CONCURRENCY} concurrent requests, each after decisions on three nodes`,
        value: deletionsPerSecond,
        unit: '',
        bound: null,
        measurements: `${CONCURRENT_DELETIONS} deletions`,
      },
    ];
  } finally {
    await cluster.close();
  }
}
