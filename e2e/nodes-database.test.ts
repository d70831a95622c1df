import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CreatedApiKey } from '../src/contract/api-keys.ts';
import { createKey } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import { ALL_NODES, setUpDeletionFixture } from './deletion-fixture.ts';

/** Minimum number of acknowledged deletions and edits. Together with `nodes.test.ts` there are 2000. */
const MIN_ACKNOWLEDGED = 600;
const KEYS_PER_ROUND = 60;

const fixture = setUpDeletionFixture(MIN_ACKNOWLEDGED + 1000);
const { acceptedAfterwards, countAcknowledged, revokeMany, isReady, sendToNodes, printResponseTimes, testEffect } =
  fixture;

test('a node disconnected from the database decides until its lease expires, and then rejects everything', async () => {
  const remainingKey = await createKey(fixture.cluster.owner, ['write']);
  let acceptedWhileDisconnected = 0;
  // On a slow machine the lease can expire before the node receives the request. Then up to six more rounds follow.
  for (let round = 0; round < 4 || (acceptedWhileDisconnected === 0 && round < 10); round++) {
    // All nodes cache the keys first: without its database, node 2 responds to any other key only after a timeout.
    await Promise.all(fixture.keys.slice(-KEYS_PER_ROUND).map((key) => sendToNodes(key, ALL_NODES)));
    assert.equal(await fixture.cluster.authorize(2, remainingKey.secret), 200);
    fixture.cluster.proxy.stall();
    const status = await fixture.cluster.authorize(2, remainingKey.secret);
    assert.ok(status === 200 || status === 503, String(status));
    if (status === 200) acceptedWhileDisconnected++;
    await revokeMany('a node cut off', KEYS_PER_ROUND, ALL_NODES, { concurrency: KEYS_PER_ROUND });
    assert.equal(await fixture.cluster.authorize(2, remainingKey.secret), 503);
    fixture.cluster.proxy.resume();
    await until(() => isReady(2));
  }
  printResponseTimes('a node cut off');
  assert.ok(acceptedWhileDisconnected > 0);
  assert.deepEqual(acceptedAfterwards, []);
});

test('PostgreSQL is restarted and killed under load; deletions resume when it is back', async () => {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const phase = `PostgreSQL ended by ${signal}`;
    let isLoadRunning = true;
    const load = revokeMany(phase, Number.POSITIVE_INFINITY, ALL_NODES, { shouldContinue: () => isLoadRunning });
    const created: CreatedApiKey[] = [];
    const creating = (async () => {
      while (isLoadRunning) {
        const key = await createKey(fixture.cluster.owner, ['read']).catch(() => null);
        if (key !== null) created.push(key);
      }
    })();
    await fixture.cluster.postgres.stop(signal);
    await until(async () => !(await isReady(0)));
    await fixture.cluster.postgres.start();
    await until(() => isReady(0));
    const createdCountBefore = created.length;
    await until(async () => countAcknowledged(phase) >= 100 && created.length > createdCountBefore, 60_000);
    isLoadRunning = false;
    await Promise.all([load, creating]);
    printResponseTimes(phase);
    for (const { id } of created) assert.equal((await fixture.cluster.owner.call(`/v1/api-keys/${id}`)).status, 200);
  }
  assert.deepEqual(acceptedAfterwards, []);
});

testEffect(MIN_ACKNOWLEDGED);
