import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { claimIdempotencyKey, deleteOldIdempotencyClaims } from '../../store/idempotency.ts';
import { NOW, type StoreFixture } from './fixture.ts';

export function declareIdempotencyTests(fixture: StoreFixture): void {
  describe('idempotency keys', () => {
    const claim = { workspaceId: 'w', principalId: 'p', route: 'POST /x', key: 'k', bodyMac: 'm' };
    test('exactly one of many concurrent claims succeeds, and the others return its body MAC and resource ID', async () => {
      const earlierClaims = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          fixture.store.transaction((trx) =>
            claimIdempotencyKey(trx, { ...claim, bodyMac: `m${index}` }, `id${index}`, NOW),
          ),
        ),
      );
      const winner = earlierClaims.indexOf(null);
      const lost = earlierClaims.filter((earlierClaim) => earlierClaim !== null);
      assert.equal(lost.length, 7);
      for (const earlierClaim of lost)
        assert.deepEqual({ ...earlierClaim }, { bodyMac: `m${winner}`, resourceId: `id${winner}` });
    });
    test('keys are claimed per workspace, principal and route, and rolled back and deleted claims do not count', async () => {
      const claimKey = (claimed: typeof claim) =>
        fixture.store.transaction((trx) => claimIdempotencyKey(trx, claimed, 'id', NOW));
      for (const difference of [{ workspaceId: 'W' }, { principalId: 'P' }, { route: 'POST /X' }, { key: 'K' }]) {
        assert.equal(await claimKey({ ...claim, ...difference }), null);
        assert.notEqual(await claimKey({ ...claim, ...difference }), null);
      }
      const rolledBackClaim = { ...claim, key: 'rolled back' };
      await assert.rejects(
        fixture.store.transaction(async (trx) => {
          await claimIdempotencyKey(trx, rolledBackClaim, 'id', NOW);
          throw new Error('deliberate failure');
        }),
      );
      assert.equal(await claimKey(rolledBackClaim), null);
      await fixture.store.transaction((trx) => deleteOldIdempotencyClaims(trx, NOW + 1));
      assert.equal(await claimKey(rolledBackClaim), null);
    });
  });
}
