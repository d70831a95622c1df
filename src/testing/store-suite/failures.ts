import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countFailure, deleteOldFailures, listRecentFailures } from '../../store/failures.ts';
import { NOW, type StoreFixture } from './fixture.ts';

export function declareFailureTests(fixture: StoreFixture): void {
  test('failures are read by subject and age, oldest first, and old failures are deleted', async () => {
    await fixture.store.transaction(async (trx) => {
      const count = (subject: string, failure: { address: string; at: number }) =>
        countFailure(trx, subject, failure, 0, () => true);
      await count('subject', { address: '10.0.0.2', at: NOW + 5 });
      await count('subject', { address: '10.0.0.1', at: NOW });
      await count('Subject', { address: '10.0.0.1', at: NOW });
    });
    const readSince = async (since: number) =>
      (await listRecentFailures(fixture.store.read, 'subject', since)).map(({ address, at }) => [address, at]);
    assert.deepEqual(await readSince(NOW - 1), [
      ['10.0.0.1', NOW],
      ['10.0.0.2', NOW + 5],
    ]);
    assert.deepEqual(await readSince(NOW), [['10.0.0.2', NOW + 5]]);
    await fixture.store.transaction((trx) => deleteOldFailures(trx, NOW + 5));
    assert.equal((await readSince(0)).length, 1);
  });

  test('exactly the allowed number of concurrent failures is counted', async () => {
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        fixture.store.transaction((trx) =>
          countFailure(trx, 'crowd', { address: `10.0.0.${index}`, at: NOW }, NOW - 1, (earlier) => earlier.length < 5),
        ),
      ),
    );
    assert.equal(results.filter((result) => result.counted).length, 5);
    assert.equal((await listRecentFailures(fixture.store.read, 'crowd', 0)).length, 5);
  });
}
