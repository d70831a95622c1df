import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createId } from '../../contract/id.ts';
import { DAY } from '../../contract/limits.ts';
import { addRefusals, readRefusals, readRightUses } from '../../store/right-uses.ts';
import { addChunksToCredentials, insertUsageChunk, readUses, recordChunkNumber } from '../../store/usage.ts';
import { deleteOldUses } from '../../store/usage-retention.ts';
import { seedCredential } from '../test-store.ts';
import { NOW, type StoreFixture } from './fixture.ts';

export function declareUseTests(fixture: StoreFixture): void {
  describe('uses', () => {
    test('a chunk number is recorded once per node, and not after a higher number', async () => {
      const record = (node: string, number: number) =>
        fixture.store.transaction((trx) => recordChunkNumber(trx, node, number));
      assert.equal(await record('n1', 1), true);
      assert.equal(await record('n1', 1), false);
      assert.equal(await record('n1', 2), true);
      assert.equal(await record('n1', 1), false);
      assert.equal(await record('n2', 1), true);
    });
    test('chunk numbers are deleted when their chunk cannot be sent again or they are more than a day in the future', async () => {
      const { id: keyId } = await seedCredential(fixture.store, fixture.owner);
      const guardNodeId = (apiKeyId: string, letter = 'g') => `${apiKeyId}.${letter.repeat(22)}`;
      const oldNode = createId('node', NOW - 31 * DAY);
      const leasedNode = createId('node', NOW - 31 * DAY);
      // The number of a chunk is a time in epoch milliseconds.
      const rows: readonly (readonly [node: string, number: number, isKept: boolean])[] = [
        [createId('node', NOW - 90 * DAY), NOW - DAY, true],
        [createId('node', NOW - 90 * DAY), NOW - 31 * DAY, false],
        [guardNodeId(keyId), NOW - 29 * DAY, true],
        [guardNodeId(createId('api_key')), NOW, false],
        // Numbers from earlier versions, which counted from 1.
        [oldNode, 7, false],
        [leasedNode, 7, true],
        [createId('node', NOW - 29 * DAY), 7, true],
        [guardNodeId(keyId, 'h'), 7, true],
        [guardNodeId(keyId, 'i'), NOW + DAY, true],
        [guardNodeId(keyId, 'j'), NOW + DAY + 1, false],
      ];
      await fixture.store.transaction(async (trx) => {
        await trx
          .insertInto('node')
          .values({ id: leasedNode, workspace_id: null, confirmed: 0, lease_until: NOW })
          .execute();
        for (const [node, number] of rows) assert.equal(await recordChunkNumber(trx, node, number), true);
        await deleteOldUses(trx, NOW);
        for (const [node, number, isKept] of rows)
          assert.equal(await recordChunkNumber(trx, node, number), !isKept, `${node} ${number}`);
        await trx.deleteFrom('node').where('id', '=', leasedNode).execute();
      });
    });
    test('refusals add up per day and reason, and uses of rights are kept for the 100 most recent apps', async () => {
      const { id } = await seedCredential(fixture.store, fixture.owner);
      const refusals = {
        workspaceId: fixture.owner.workspaceId,
        credentialId: id,
        day: 20_000,
        reason: 'token_expired',
        count: 2,
      };
      await fixture.store.transaction(async (trx) => {
        for (const day of [20_000, 20_000, 20_001]) await addRefusals(trx, { ...refusals, day });
        await addRefusals(trx, { ...refusals, reason: 'insufficient_scope' });
        await addRefusals(trx, { ...refusals, credentialId: 'key_deleted' });
        const right = { credential_id: id, workspace_id: fixture.owner.workspaceId, count: 1 };
        const appRights = Array.from({ length: 102 }, (_, index) => ({
          ...right,
          name: 'read',
          app_id: `app_${index}`,
          last_used_at: NOW - index,
        }));
        const rightWithoutApp = { ...right, name: 'write', app_id: '', last_used_at: NOW - 1000 };
        await trx
          .insertInto('credential_right')
          .values([...appRights, rightWithoutApp])
          .execute();
        await deleteOldUses(trx, NOW);
      });
      const { rights } = await readRightUses(fixture.store.read, fixture.owner.workspaceId, id);
      const appIds = rights.map(({ app }) => app?.id ?? null);
      assert.deepEqual([appIds.length, appIds[0], appIds.at(-2), appIds.at(-1)], [101, 'app_0', 'app_99', null]);
      assert.deepEqual(
        (await readRefusals(fixture.store.read, fixture.owner.workspaceId, id, 20_000)).map(
          ({ day, reason, count }) => [day, reason, count],
        ),
        [
          [20_000, 'insufficient_scope', 2],
          [20_000, 'token_expired', 4],
          [20_001, 'token_expired', 2],
        ],
      );
    });
    test('the uses that a guard reports add up, and an older report does not replace the last use', async () => {
      const { id } = await seedCredential(fixture.store, fixture.owner);
      const { id: keyId } = await seedCredential(fixture.store, fixture.owner);
      await fixture.store.transaction(async (trx) => {
        for (const lastUsedAt of [NOW, NOW - DAY]) {
          const uses = { credentialId: id, count: 2, lastUsedAt, addresses: [], rights: [] };
          await insertUsageChunk(trx, `${keyId}.${'g'.repeat(22)}`, lastUsedAt, [uses]);
          await addChunksToCredentials(trx, 10);
        }
      });
      const { guards } = await readUses(fixture.store.read, fixture.owner.workspaceId, id, 0, 20);
      assert.deepEqual(
        guards.map(({ id: reporterId, count, lastUsedAt }) => [reporterId, count, lastUsedAt]),
        [[keyId, 4, NOW]],
      );
    });
    test('uses add up, an older use does not replace the last use, and old rights, days and addresses are deleted', async () => {
      const { id } = await seedCredential(fixture.store, fixture.owner);
      const use = (count: number, time: number, address: string) =>
        fixture.store.transaction(async (trx) => {
          const addresses = [{ address, first: time, last: time }];
          const rights = [{ right: 'read', app: 'no-such-app', count }];
          const uses = { credentialId: id, count, lastUsedAt: time, addresses, rights };
          await insertUsageChunk(trx, 'nod_suite', time, [uses, { ...uses, credentialId: 'key_deleted' }]);
          assert.deepEqual(await addChunksToCredentials(trx, 10), { chunks: 1, credentials: 2 });
          assert.deepEqual(await addChunksToCredentials(trx, 10), { chunks: 0, credentials: 0 });
        });
      await use(3, NOW, '10.0.0.1');
      await use(4, NOW - DAY, '10.0.0.2');
      const row = await fixture.find(id);
      assert.equal(row?.use_count, 7);
      assert.equal(row?.last_used_at, NOW);
      const read = () => readUses(fixture.store.read, fixture.owner.workspaceId, id, 0, 20);
      const { days, addresses } = await read();
      assert.deepEqual(
        days.map(({ day, count }) => [day, count]),
        [
          [19_999, 4],
          [20_000, 3],
        ],
      );
      assert.deepEqual(
        addresses.map(({ address }) => address),
        ['10.0.0.1', '10.0.0.2'],
      );
      const usesPerRight = async () => (await readRightUses(fixture.store.read, fixture.owner.workspaceId, id)).rights;
      assert.deepEqual(await usesPerRight(), [{ right: 'read', app: null, count: 7, lastUsedAt: NOW }]);
      await fixture.store.transaction((trx) => deleteOldUses(trx, NOW + 400 * DAY));
      assert.equal((await usesPerRight()).length, 1);
      await fixture.store.transaction((trx) => deleteOldUses(trx, NOW + 400 * DAY + 1));
      assert.deepEqual(await usesPerRight(), []);
      assert.equal((await read()).days.length, 1);
      assert.equal((await read()).addresses.length, 0);
    });
  });
}
