import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { insertRevocation } from '../../store/credentials.ts';
import { pruneRevocations } from '../../store/node-leases.ts';
import { NOW, type StoreFixture, testDigest } from './fixture.ts';

export function declareRevocationTests(fixture: StoreFixture): void {
  describe('revocations', () => {
    test('numbers have no gaps, however many transactions run or fail concurrently, and pruning keeps the newest', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 60 }, (_, index) =>
          fixture.store.transaction(async (trx) => {
            const { number } = await insertRevocation(
              trx,
              fixture.owner.workspaceId,
              index % 2 === 0 ? testDigest(`d${index}`) : null,
              NOW,
            );
            if (index % 5 === 0) throw new Error('rolled back');
            return number;
          }),
        ),
      );
      const numbers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      // Of the 60 transactions, 12 were rolled back.
      assert.equal(numbers.length, 48);
      const first = Math.min(...numbers);
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        numbers.map((_, index) => first + index),
      );
      const rows = await fixture.store.read.selectFrom('revocation').select('number').orderBy('number').execute();
      assert.deepEqual(
        rows.slice(-48).map((row) => row.number),
        numbers,
      );
      await fixture.store.transaction((trx) => pruneRevocations(trx, NOW + 1));
      const nextRevocation = await fixture.store.transaction((trx) =>
        insertRevocation(trx, fixture.owner.workspaceId, null, NOW),
      );
      assert.equal(nextRevocation.number, first + 48);
      const remaining = await fixture.store.read
        .selectFrom('revocation')
        .select(['number', 'id'])
        .orderBy('number')
        .execute();
      assert.deepEqual(
        remaining.map((row) => row.number),
        [first + 47, first + 48],
        'the newest revocation is not deleted, because it identifies the history',
      );
      assert.equal(new Set(remaining.map((row) => row.id)).size, 2);
      assert.equal(remaining[1]?.id, nextRevocation.id);
    });
  });
}
