import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CreatedApiKey } from '../src/contract/api-keys.ts';
import { createKey } from '../src/testing/test-server.ts';
import { until } from '../src/testing/until.ts';
import { ALL, setUpDeletionFixture } from './deletion-fixture.ts';

/** Together with `nodes.test.ts`: 2000. */
const DELETIONS = 600;
const CUT_OFF = 60;

const fixture = setUpDeletionFixture(DELETIONS + 1000);
const { accepted, answered, endMany, isReady, remember, show, testEffect } = fixture;

test('a node disconnected from the database decides until its lease expires, and then rejects everything', async () => {
  const kept = await createKey(fixture.cluster.owner, ['write']);
  let decidedAlone = 0;
  // On a slow machine the lease may expire before the request is received: further rounds, as long as there are keys.
  for (let round = 0; round < 4 || (decidedAlone === 0 && round < 10); round++) {
    // It has all keys cached, and without its database each response takes as long as its timeout.
    await Promise.all(fixture.keys.slice(-CUT_OFF).map((key) => remember(key, ALL)));
    assert.equal(await fixture.cluster.authorize(2, kept.secret), 200);
    fixture.cluster.proxy.stall();
    const status = await fixture.cluster.authorize(2, kept.secret);
    assert.ok(status === 200 || status === 503, String(status));
    if (status === 200) decidedAlone++;
    await endMany('a node cut off', CUT_OFF, ALL, { atOnce: CUT_OFF });
    assert.equal(await fixture.cluster.authorize(2, kept.secret), 503);
    fixture.cluster.proxy.resume();
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
        const made = await createKey(fixture.cluster.owner, ['read']).catch(() => null);
        if (made !== null) created.push(made);
      }
    })();
    await fixture.cluster.postgres.stop(signal);
    await until(async () => !(await isReady(0)));
    await fixture.cluster.postgres.start();
    await until(() => isReady(0));
    const before = created.length;
    await until(async () => answered(phase) >= 100 && created.length > before, 60_000);
    isCreating = false;
    await Promise.all([load, creating]);
    show(phase);
    for (const { id } of created) assert.equal((await fixture.cluster.owner.call(`/v1/api-keys/${id}`)).status, 200);
  }
  assert.deepEqual(accepted, []);
});

testEffect(DELETIONS);
