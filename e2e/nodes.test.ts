import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiKey, CreatedApiKey } from '../src/contract/api-keys.ts';
import type { Page } from '../src/contract/paging.ts';
import { spawnServer, temporaryDirectory } from '../src/testing/process.ts';
import { startTestCluster, type TestCluster, type TestClusterKey } from '../src/testing/test-cluster.ts';
import { createKey, sendRequest } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';

const BOUND = 500;
const DELETIONS = 2000;
const AT_ONCE = 16;
const CUT_OFF = 60;
/** Maximum number of requests per node that start while the credential is being deleted. */
const HAMMERED = 2;
const WRITE = '?permission=write';
const ALL = [0, 1, 2];

const directory = temporaryDirectory();
let cluster: TestCluster;
let keys: TestClusterKey[];

/** Response times by phase, in milliseconds. */
const delays = new Map<string, number[]>();
const acknowledged: { readonly id: string; readonly gone: boolean }[] = [];
const accepted: string[] = [];

before(async () => {
  const start = (environment: Readonly<Record<string, string>>) => spawnServer(directory.path, environment);
  ({ fleet: cluster, keys } = await startTestCluster(start, { bound: BOUND, keys: DELETIONS + 400 }));
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
    .call(`/v1/api-keys/${key.id}`, edit ? { method: 'PATCH', body: { permissions: ['read'] } } : { method: 'DELETE' })
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
  { going: isCreating = (): boolean => true, atOnce = AT_ONCE } = {},
): Promise<void> {
  let left = count;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0 && isCreating()) {
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

test('with three healthy nodes, nothing is accepted after the response', async () => {
  await endMany('three healthy nodes', 600);
  show('three healthy nodes');
  assert.deepEqual(accepted, []);
});

test('a deletion waits until the lease of a frozen node expires; the node accepts nothing when it resumes', async () => {
  for (let round = 0; round < 6; round++) {
    const { pid } = cluster.nodeAt(1);
    const key = await createKey(cluster.owner, ['write']);
    assert.equal(await cluster.authorize(1, key.secret), 200);
    process.kill(pid, 'SIGSTOP');
    const deleting = cluster.owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' });
    await endMany('a frozen node', 70, [0, 2]);
    assert.equal((await deleting).status, 204);
    const pending = cluster.authorize(1, key.secret);
    process.kill(pid, 'SIGCONT');
    assert.notEqual(await pending, 200);
  }
  show('a frozen node');
  assert.deepEqual(accepted, []);
});

test('a deletion waits until the lease of a killed node expires; a new node replaces it', async () => {
  for (let round = 0; round < 3; round++) {
    await cluster.replace(1, () => endMany('a killed node', 70, [0, 2]));
    await endMany('a killed node', 50);
  }
  show('a killed node');
  assert.deepEqual(accepted, []);
});

test('a node disconnected from the database decides until its lease expires, and then rejects everything', async () => {
  const kept = await createKey(cluster.owner, ['write']);
  let decidedAlone = 0;
  // On a slow machine the lease may expire before the request is received: further rounds, as long as there are keys.
  for (let round = 0; round < 4 || (decidedAlone === 0 && round < 10); round++) {
    // It has all keys cached, and without its database each response takes as long as its timeout.
    await Promise.all(keys.slice(-CUT_OFF).map((key) => remember(key, ALL)));
    assert.equal(await cluster.authorize(2, kept.secret), 200);
    cluster.proxy.stall();
    const status = await cluster.authorize(2, kept.secret);
    assert.ok(status === 200 || status === 503, String(status));
    if (status === 200) decidedAlone++;
    await endMany('a node cut off', CUT_OFF, ALL, { atOnce: CUT_OFF });
    assert.equal(await cluster.authorize(2, kept.secret), 503);
    cluster.proxy.resume();
    await until(() => isReady(2));
  }
  show('a node cut off');
  assert.ok(decidedAlone > 0);
  assert.deepEqual(accepted, []);
});

test('PostgreSQL is restarted and killed under load; deletions resume when it is back', async () => {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const phase = `PostgreSQL ended by ${signal}`;
    let isCreating = true;
    const load = endMany(phase, Number.POSITIVE_INFINITY, ALL, { going: () => isCreating });
    const created: CreatedApiKey[] = [];
    const creating = (async () => {
      while (isCreating) {
        const made = await createKey(cluster.owner, ['read']).catch(() => null);
        if (made !== null) created.push(made);
      }
    })();
    await cluster.postgres.stop(signal);
    await until(async () => !(await isReady(0)));
    await cluster.postgres.start();
    await until(() => isReady(0));
    const before = created.length;
    await until(async () => (delays.get(phase) ?? []).length >= 100 && created.length > before, 60_000);
    isCreating = false;
    await Promise.all([load, creating]);
    show(phase);
    for (const { id } of created) assert.equal((await cluster.owner.call(`/v1/api-keys/${id}`)).status, 200);
  }
  assert.deepEqual(accepted, []);
});

test('every acknowledged deletion and update is in effect afterwards', async () => {
  await endMany('three healthy nodes, at the end', Math.max(0, DELETIONS - acknowledged.length));
  process.stdout.write(`${acknowledged.length} deletions and edits answered, ${accepted.length} accepted afterwards\n`);
  assert.ok(acknowledged.length >= DELETIONS);
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
