import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiKey } from '../src/contract/api-keys.ts';
import type { Page } from '../src/contract/paging.ts';
import { spawnServer } from '../src/testing/process.ts';
import { temporaryDirectory } from '../src/testing/temporary-directory.ts';
import { startTestCluster, type TestCluster, type TestClusterKey } from '../src/testing/test-cluster.ts';
import { sendRequest } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

const REVOCATION_BOUND_MS = 500;
const CONCURRENCY = 16;
/** Maximum number of requests per node that start while a key is being deleted or edited. */
const MAX_REQUESTS_DURING_REVOCATION = 2;
const WRITE_QUERY = '?permission=write';
export const ALL_NODES: readonly number[] = [0, 1, 2];

/** Three nodes in processes of their own, and the deletions and edits whose effect is tested on all of them. */
export interface DeletionFixture {
  readonly cluster: TestCluster;
  /** Keys that have been neither deleted nor edited. */
  readonly keys: TestClusterKey[];
  /**
   * Descriptions of requests that started after the response to the deletion or edit and were accepted. Must stay
   * empty.
   */
  readonly acceptedAfterwards: readonly string[];
  /** Returns the number of deletions and edits acknowledged in a phase. */
  countAcknowledged(phase: string): number;
  /**
   * Takes this many of the `keys`, removes the permission write from every fourth and deletes the others, `concurrency`
   * at a time. Sends requests with them only to `reachableNodes`. Stops early once `shouldContinue` returns false. The
   * results are counted under the name `phase`.
   */
  revokeMany(
    phase: string,
    count: number,
    reachableNodes?: readonly number[],
    options?: { readonly shouldContinue?: () => boolean; readonly concurrency?: number },
  ): Promise<void>;
  /** Sends a request with a key to each of these nodes, so that they cache the key. Returns the statuses. */
  sendToNodes(key: TestClusterKey, nodes: readonly number[]): Promise<number[]>;
  isReady(index: number): Promise<boolean>;
  /** Prints the response times of a phase. */
  printResponseTimes(phase: string): void;
  /**
   * Declares the last test of a file. It makes further deletions and edits until `minAcknowledged` of them have been
   * acknowledged, and checks that all acknowledged ones are in effect.
   */
  testEffect(minAcknowledged: number): void;
}

/** Starts three nodes before the tests of a file, and creates this many keys. */
export function setUpDeletionFixture(keyCount: number): DeletionFixture {
  const directory = temporaryDirectory();
  let cluster: TestCluster;
  let keys: TestClusterKey[];

  /** Response times of acknowledged deletions and edits, by phase. */
  const responseTimesMs = new Map<string, number[]>();
  const acknowledged: { readonly id: string; readonly isDeleted: boolean }[] = [];
  const acceptedAfterwards: string[] = [];

  before(async () => {
    const start = (environment: Readonly<Record<string, string>>) => spawnServer(directory, environment);
    ({ cluster, keys } = await startTestCluster(start, { revocationBoundMs: REVOCATION_BOUND_MS, keyCount }));
  });

  after(() => cluster.close());

  /**
   * Makes the reachable nodes cache a key, and deletes the key or removes the permission write while requests with the
   * key are sent to these nodes. Records each node that accepts a request sent after a successful response. Resolves to
   * the status of the response, or 0 if there is none.
   */
  async function revokeOne(
    phase: string,
    key: TestClusterKey,
    isEdit: boolean,
    reachableNodes: readonly number[],
  ): Promise<number> {
    const { owner, authorize } = cluster;
    await sendToNodes(key, reachableNodes);
    let finished = false;
    const concurrentRequests = reachableNodes.map(async (index) => {
      for (let remaining = MAX_REQUESTS_DURING_REVOCATION; remaining > 0 && !finished; remaining--)
        await authorize(index, key.secret, WRITE_QUERY);
    });
    const startMs = performance.now();
    const response = await owner
      .call(
        `/v1/api-keys/${key.id}`,
        isEdit ? { method: 'PATCH', body: { permissions: ['read'] } } : { method: 'DELETE' },
      )
      .catch(() => null);
    const responseTimeMs = performance.now() - startMs;
    if (response?.status === (isEdit ? 200 : 204)) {
      const statusesAfterwards = await sendToNodes(key, reachableNodes);
      statusesAfterwards.forEach((status, nodeIndex) => {
        if (status === 200) acceptedAfterwards.push(`node ${reachableNodes[nodeIndex]} in ${phase}`);
      });
      acknowledged.push({ id: key.id, isDeleted: !isEdit });
      responseTimesMs.set(phase, [...(responseTimesMs.get(phase) ?? []), responseTimeMs]);
    }
    finished = true;
    await Promise.all(concurrentRequests);
    return response?.status ?? 0;
  }

  const sendToNodes = (key: TestClusterKey, nodes: readonly number[]) =>
    Promise.all(nodes.map((index) => cluster.authorize(index, key.secret, WRITE_QUERY)));

  async function revokeMany(
    phase: string,
    count: number,
    reachableNodes: readonly number[] = ALL_NODES,
    { shouldContinue = (): boolean => true, concurrency = CONCURRENCY } = {},
  ): Promise<void> {
    let remaining = count;
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        while (remaining-- > 0 && shouldContinue()) {
          const key = keys.pop();
          if (key === undefined) throw new Error('There are no keys left.');
          const status = await revokeOne(phase, key, remaining % 4 === 0, reachableNodes);
          if ([200, 204, 404].includes(status)) continue;
          // The outcome is unknown: the key is used again after all others. The next key waits until node 0 is ready.
          keys.unshift(key);
          await until(() => isReady(0));
        }
      }),
    );
  }

  function printResponseTimes(phase: string): void {
    const sorted = (responseTimesMs.get(phase) ?? []).toSorted((a, b) => a - b);
    const percentile = (fraction: number) =>
      `${(sorted[Math.floor((sorted.length - 1) * fraction)] ?? 0).toFixed(0)} ms`;
    process.stdout.write(
      `${phase}: ${sorted.length} acknowledged, median ${percentile(0.5)}, 99th percentile ${percentile(0.99)}, longest ${percentile(1)}\n`,
    );
  }

  const isReady = async (index: number) => (await sendRequest(cluster.nodeAt(index).url, '/readyz', {})).status === 200;

  function testEffect(minAcknowledged: number): void {
    test('every acknowledged deletion and edit is in effect afterwards', async () => {
      await revokeMany('three healthy nodes, at the end', Math.max(0, minAcknowledged - acknowledged.length));
      process.stdout.write(
        `${acknowledged.length} deletions and edits acknowledged, ${acceptedAfterwards.length} requests accepted afterwards\n`,
      );
      assert.ok(acknowledged.length >= minAcknowledged);
      assert.deepEqual(acceptedAfterwards, []);

      const permissions = new Map<string, readonly string[]>();
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: { body: Page<ApiKey> } = await cluster.owner.call(
          `/v1/api-keys?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`,
        );
        for (const key of page.body.data) permissions.set(key.id, key.permissions);
        cursor = page.body.nextCursor;
      }
      for (const { id, isDeleted } of acknowledged)
        assert.deepEqual(permissions.get(id), isDeleted ? undefined : ['read']);
    });
  }

  return {
    get cluster() {
      return cluster;
    },
    get keys() {
      return keys;
    },
    acceptedAfterwards,
    countAcknowledged: (phase) => (responseTimesMs.get(phase) ?? []).length,
    revokeMany,
    sendToNodes,
    isReady,
    printResponseTimes,
    testEffect,
  };
}
