import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiKey } from '../src/contract/api-keys.ts';
import type { Page } from '../src/contract/paging.ts';
import { spawnServer, temporaryDirectory } from '../src/testing/process.ts';
import { startTestCluster, type TestCluster, type TestClusterKey } from '../src/testing/test-cluster.ts';
import { sendRequest } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

const BOUND = 500;
const AT_ONCE = 16;
/** Maximum number of requests per node that start while the credential is being deleted. */
const HAMMERED = 2;
const WRITE = '?permission=write';
export const ALL: readonly number[] = [0, 1, 2];

/** Three nodes in processes of their own, and the deletions and edits whose effect is tested on all of them. */
export interface DeletionFixture {
  readonly cluster: TestCluster;
  /** Keys that have been neither deleted nor edited. */
  readonly keys: TestClusterKey[];
  /** Accepted requests that started after the response to the deletion or edit: none. */
  readonly accepted: readonly string[];
  /** Number of deletions and edits answered in a phase. */
  answered(phase: string): number;
  /** Deletes this many keys concurrently, every fourth by an update; stops early once `going` returns false. */
  endMany(
    phase: string,
    count: number,
    reachable?: readonly number[],
    options?: { readonly going?: () => boolean; readonly atOnce?: number },
  ): Promise<void>;
  /** Sends a request with a key to each of these nodes, which caches it. */
  remember(key: TestClusterKey, nodes: readonly number[]): Promise<number[]>;
  isReady(index: number): Promise<boolean>;
  /** Prints the response times of a phase. */
  show(phase: string): void;
  /** Declares the last test of a file: with further ones, this many deletions and edits were answered and are in effect. */
  testEffect(deletions: number): void;
}

/** Starts the nodes before the tests of a file, with this many keys. */
export function setUpDeletionFixture(keyCount: number): DeletionFixture {
  const directory = temporaryDirectory();
  let cluster: TestCluster;
  let keys: TestClusterKey[];

  /** Response times by phase, in milliseconds. */
  const delays = new Map<string, number[]>();
  const acknowledged: { readonly id: string; readonly gone: boolean }[] = [];
  const accepted: string[] = [];

  before(async () => {
    const start = (environment: Readonly<Record<string, string>>) => spawnServer(directory.path, environment);
    ({ cluster, keys } = await startTestCluster(start, { revocationBoundMs: BOUND, keys: keyCount }));
  });

  after(async () => {
    await cluster.close();
    directory.remove();
  });

  /**
   * Makes every node cache a key, sends requests with it to all nodes, and deletes the key or removes a permission. No
   * request that starts after the response may be accepted by any node that responds. Resolves to the status of the
   * response, 0 without one.
   */
  async function endOne(
    phase: string,
    key: TestClusterKey,
    edit: boolean,
    reachable: readonly number[],
  ): Promise<number> {
    const { owner, authorize } = cluster;
    await remember(key, reachable);
    let finished = false;
    const hammers = reachable.map(async (index) => {
      for (let left = HAMMERED; left > 0 && !finished; left--) await authorize(index, key.secret, WRITE);
    });
    const started = performance.now();
    const response = await owner
      .call(
        `/v1/api-keys/${key.id}`,
        edit ? { method: 'PATCH', body: { permissions: ['read'] } } : { method: 'DELETE' },
      )
      .catch(() => null);
    const took = performance.now() - started;
    if (response?.status === (edit ? 200 : 204)) {
      const late = await remember(key, reachable);
      late.forEach((status, nodeIndex) => {
        if (status === 200) accepted.push(`node ${reachable[nodeIndex]} in ${phase}`);
      });
      acknowledged.push({ id: key.id, gone: !edit });
      delays.set(phase, [...(delays.get(phase) ?? []), took]);
    }
    finished = true;
    await Promise.all(hammers);
    return response?.status ?? 0;
  }

  const remember = (key: TestClusterKey, nodes: readonly number[]) =>
    Promise.all(nodes.map((index) => cluster.authorize(index, key.secret, WRITE)));

  /** Deletes this many keys concurrently, every fourth by an update; stops early once `going` returns false. */
  async function endMany(
    phase: string,
    count: number,
    reachable: readonly number[] = ALL,
    { going = (): boolean => true, atOnce = AT_ONCE } = {},
  ): Promise<void> {
    let left = count;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (left-- > 0 && going()) {
          const key = keys.pop();
          if (key === undefined) throw new Error('There are no keys left.');
          const status = await endOne(phase, key, left % 4 === 0, reachable);
          if ([200, 204, 404].includes(status)) continue;
          // The outcome is unknown; the request is repeated once a node responds.
          keys.unshift(key);
          await until(() => isReady(0));
        }
      }),
    );
  }

  function show(phase: string): void {
    const sorted = (delays.get(phase) ?? []).toSorted((a, b) => a - b);
    const percentile = (part: number) => `${(sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(0)} ms`;
    process.stdout.write(
      `${phase}: ${sorted.length} answers, median ${percentile(0.5)}, 99th ${percentile(0.99)}, longest ${percentile(1)}\n`,
    );
  }

  const isReady = async (index: number) => (await sendRequest(cluster.nodeAt(index).url, '/readyz', {})).status === 200;

  function testEffect(deletions: number): void {
    test('every acknowledged deletion and update is in effect afterwards', async () => {
      await endMany('three healthy nodes, at the end', Math.max(0, deletions - acknowledged.length));
      process.stdout.write(
        `${acknowledged.length} deletions and edits answered, ${accepted.length} accepted afterwards\n`,
      );
      assert.ok(acknowledged.length >= deletions);
      assert.deepEqual(accepted, []);

      const permissions = new Map<string, readonly string[]>();
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: { body: Page<ApiKey> } = await cluster.owner.call(
          `/v1/api-keys?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`,
        );
        for (const key of page.body.data) permissions.set(key.id, key.permissions);
        cursor = page.body.nextCursor;
      }
      for (const { id, gone } of acknowledged) assert.deepEqual(permissions.get(id), gone ? undefined : ['read']);
    });
  }

  return {
    get cluster() {
      return cluster;
    },
    get keys() {
      return keys;
    },
    accepted,
    answered: (phase) => (delays.get(phase) ?? []).length,
    endMany,
    remember,
    isReady,
    show,
    testEffect,
  };
}
