import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKey } from '../src/testing/test-server.ts';
import { setUpDeletionFixture } from './deletion-fixture.ts';

/** Minimum number of acknowledged deletions and edits. Together with `nodes-database.test.ts` there are 2000. */
const MIN_ACKNOWLEDGED = 1400;

const fixture = setUpDeletionFixture(MIN_ACKNOWLEDGED + 200);
const { acceptedAfterwards, revokeMany, printResponseTimes, testEffect } = fixture;

test('from the response on, three healthy nodes enforce the deletion or edit of a key', async () => {
  await revokeMany('three healthy nodes', 600);
  printResponseTimes('three healthy nodes');
  assert.deepEqual(acceptedAfterwards, []);
});

test('a deletion waits until the lease of a frozen node expires; the node accepts nothing when it resumes', async () => {
  for (let round = 0; round < 6; round++) {
    const { pid } = fixture.cluster.nodeAt(1);
    const key = await createKey(fixture.cluster.owner, ['write']);
    assert.equal(await fixture.cluster.authorize(1, key.secret), 200);
    process.kill(pid, 'SIGSTOP');
    const deleting = fixture.cluster.owner.call(`/v1/api-keys/${key.id}`, { method: 'DELETE' });
    await revokeMany('a frozen node', 70, [0, 2]);
    assert.equal((await deleting).status, 204);
    const pending = fixture.cluster.authorize(1, key.secret);
    process.kill(pid, 'SIGCONT');
    assert.notEqual(await pending, 200);
  }
  printResponseTimes('a frozen node');
  assert.deepEqual(acceptedAfterwards, []);
});

test('a deletion waits until the lease of a killed node expires; a new node replaces it', async () => {
  for (let round = 0; round < 3; round++) {
    await fixture.cluster.replace(1, () => revokeMany('a killed node', 70, [0, 2]));
    await revokeMany('a killed node', 50);
  }
  printResponseTimes('a killed node');
  assert.deepEqual(acceptedAfterwards, []);
});

testEffect(MIN_ACKNOWLEDGED);
