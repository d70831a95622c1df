import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLeaseRenewal } from './guard-lease.ts';
import { createLease, type RevocationFollower, type RevocationPoint } from './lease.ts';

const revocation = (number: number) => ({ workspaceId: 'w', digest: String(number) });
const point = (number: number, history = 'h'): RevocationPoint => ({ history, number, id: `id ${number}` });

/** A lease with manual clocks; `removed` lists the digests removed from its cache. */
function createTestLease(renew: (follower: RevocationFollower) => Promise<{ leaseMs: number }>) {
  const removed: (string | null)[] = [];
  const clock = { monotonic: 0, wall: 1000 };
  const lease = createLease({
    renew,
    registry: { apply: ({ digest }) => removed.push(digest), clear: () => removed.push('everything') },
    leaseMs: 1000,
    clocks: { monotonic: () => clock.monotonic, wall: () => clock.wall },
    schedule: () => () => {},
    random: () => 0.5,
    onError: () => {},
    onHeartbeat: () => {},
  });
  return { lease, removed, clock };
}

const renewImmediately = async (follower: RevocationFollower) => {
  if (follower.applied() === null) follower.reset(point(5));
  return { leaseMs: 1000 };
};

test('revoked records are removed immediately, but the applied point advances only if no earlier revocation is missing', async () => {
  const { lease, removed } = createTestLease(renewImmediately);
  lease.applyRevocations(point(5), [revocation(6)], point(6));
  assert.deepEqual([lease.applied(), removed], [null, ['6']]);
  await lease.start(1000);
  assert.deepEqual(lease.applied(), point(5));
  lease.applyRevocations(point(7), [revocation(8)], point(8));
  lease.applyRevocations(point(5, 'another history'), [revocation(9)], point(9, 'another history'));
  assert.deepEqual(lease.applied(), point(5));
  lease.applyRevocations(point(5), [revocation(6)], point(7));
  assert.deepEqual(lease.applied(), point(7));
  lease.applyRevocations(point(7), [], point(6));
  assert.deepEqual(lease.applied(), point(7));
  assert.deepEqual(removed, ['6', 'everything', '8', '9', '6']);
});

test('a lease starts when its heartbeat starts, and ends by either clock or if the wall clock goes back', async () => {
  // Both clocks start the lease, at 0 and 1000. It lasts 1000 ms, less a safety margin of 50 ms.
  for (const [monotonic, wall, holds] of [
    [949, 1949, true],
    [950, 1950, false],
    [0, 1950, false],
    [950, 1000, false],
    [10, 999, false],
  ] as const) {
    const { lease, clock } = createTestLease(renewImmediately);
    await lease.start(1000);
    assert.equal(lease.holds(), true);
    Object.assign(clock, { monotonic, wall });
    assert.equal(lease.holds(), holds, `${monotonic} ${wall}`);
  }
});

test('a heartbeat that is in progress when the lease is ended grants no lease', async () => {
  let grant = () => {};
  const { lease } = createTestLease(async (follower) => {
    await new Promise<void>((resolve) => (grant = resolve));
    return renewImmediately(follower);
  });
  lease.renewNow();
  lease.end();
  grant();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(lease.holds(), false);
});

test('a guard applies revocations until none is missing, and gives up if it never catches up', async () => {
  const requestedFrom: (number | undefined)[] = [];
  const { lease, removed } = createTestLease(
    createLeaseRenewal(async (applied) => {
      requestedFrom.push(applied?.number);
      if (applied === null) return { granted: true, confirmed: point(3), bound: 1000, workspaceId: 'w' };
      if (applied.number < 5) {
        const feedPage = { head: point(9), through: point(5), whole: true, revocations: [{ number: 5, digest: '5' }] };
        return { granted: false, ...feedPage };
      }
      return { granted: true, confirmed: point(9), bound: 1000, workspaceId: 'w' };
    }),
  );
  await lease.start(1000);
  lease.renewNow();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(requestedFrom, [undefined, 3, 5]);
  assert.deepEqual(removed, ['everything', '5']);
  assert.deepEqual(lease.applied(), point(9));

  const neverCatchesUp = createLeaseRenewal(async (applied) => ({
    granted: false,
    head: point(99),
    whole: true,
    revocations: [],
    through: point((applied?.number ?? 0) + 1),
  }));
  const follower = { applied: () => point(1), apply: () => {}, reset: () => {} };
  await assert.rejects(neverCatchesUp(follower), /Too many revocations/);
});
