import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestToBytes } from '../../authorization/secret.ts';
import { updateRateLevels } from '../../store/credential-uses.ts';
import {
  deleteCredential,
  findCredential,
  insertCredential,
  insertRevocation,
  updateCredential,
} from '../../store/credentials.ts';
import { countFailure } from '../../store/failures.ts';
import { findByDigest } from '../../store/presented-credentials.ts';
import { isUniqueViolation } from '../../store/store.ts';
import { findWorkspace, isWorkspaceSlugTaken } from '../../store/workspaces.ts';
import { seedCredential, seedWorkspace } from '../test-store.ts';
import { NOW, type StoreFixture, testDigest } from './fixture.ts';

export function declareCredentialTests(fixture: StoreFixture): void {
  describe('credentials', () => {
    test('a credential is found by its digest alone, and by its ID together with its workspace and kind', async () => {
      const otherWorkspace = await seedWorkspace(fixture.store);
      const { id, digest } = await seedCredential(fixture.store, fixture.owner, {
        name: 'Billing',
        rights: '["read","deploy"]',
      });
      const presented = await findByDigest(fixture.store, digestToBytes(digest));
      assert.deepEqual(
        { ...presented },
        {
          kind: 'api_key',
          id,
          workspace_id: fixture.owner.workspaceId,
          name: 'Billing',
          rights: '["read","deploy"]',
          active: 1,
          guard: 0,
          expires_at: null,
          created_at: 1,
          passphrase_hash: null,
          restrictions: null,
          max_uses: null,
          spent_uses: 0,
          deleted_at: null,
          rate_missing: 0,
          rate_at: 0,
        },
      );
      const row = await fixture.find(id);
      assert.equal(row?.name, 'Billing');
      assert.equal(row?.creator_name, 'Ada');
      assert.equal(row?.use_count, 0);
      assert.ok(row !== undefined && !('digest' in row));
      assert.equal(await fixture.find(id, otherWorkspace.workspaceId), undefined);
      assert.equal(await findCredential(fixture.store.read, fixture.owner.workspaceId, 'access_token', id), undefined);
    });

    test('the rate level is read with the credential, and an edit can cap what is missing from its bucket', async () => {
      const limited = await seedCredential(fixture.store, fixture.owner, { rights: '["read"]' });
      const unlimited = await seedCredential(fixture.store, fixture.owner, { rights: '["read"]' });
      const readLevel = async ({ digest }: typeof limited) => {
        const row = await findByDigest(fixture.store, digestToBytes(digest));
        return [row?.rate_missing, row?.rate_at];
      };
      const ids = [unlimited.id, 'key_unknown', limited.id];
      const newLevel = (row: { id: string }) => (row.id === limited.id ? { rateMissing: 5e15, rateAt: NOW } : null);
      await fixture.store.transaction((trx) => updateRateLevels(trx, ids, newLevel));
      assert.deepEqual(
        [await readLevel(limited), await readLevel(unlimited)],
        [
          [5e15, NOW],
          [0, 0],
        ],
      );
      for (const [maxMissing, expectedMissing] of [
        [null, 5e15],
        [7_000, 7_000],
        [9_000, 7_000],
      ] as const) {
        const { workspaceId } = fixture.owner;
        const edit = { updated_at: 8, policy_violations: 0 };
        await fixture.store.transaction((trx) =>
          updateCredential(trx, workspaceId, 'api_key', limited.id, edit, maxMissing),
        );
        assert.deepEqual(await readLevel(limited), [expectedMissing, NOW]);
      }
    });

    test('an edit and a deletion return the digest, and change nothing in another workspace', async () => {
      const otherWorkspace = await seedWorkspace(fixture.store);
      const { id, digest } = await seedCredential(fixture.store, fixture.owner);
      const edit = { name: 'Other', name_key: 'other', expires_at: NOW, active: 0, updated_at: 7 };
      const update = (workspaceId: string) =>
        fixture.store.transaction((trx) => updateCredential(trx, workspaceId, 'api_key', id, edit));
      assert.equal(await update(otherWorkspace.workspaceId), undefined);
      assert.equal((await fixture.find(id))?.name, 'Billing');
      assert.deepEqual(
        Buffer.from((await update(fixture.owner.workspaceId)) ?? []),
        Buffer.from(digestToBytes(digest)),
      );
      const row = await fixture.find(id);
      assert.deepEqual([row?.name, row?.expires_at, row?.active, row?.updated_at], ['Other', NOW, 0, 7]);
      const remove = (workspaceId: string) =>
        fixture.store.transaction((trx) => deleteCredential(trx, workspaceId, 'api_key', id));
      assert.equal(await remove(otherWorkspace.workspaceId), undefined);
      const deleted = await remove(fixture.owner.workspaceId);
      assert.equal(deleted?.name, 'Other');
      assert.deepEqual(Buffer.from(deleted?.digest ?? []), Buffer.from(digestToBytes(digest)));
      assert.equal(await fixture.find(id), undefined);
      assert.equal(await findByDigest(fixture.store, digestToBytes(digest)), undefined);
      assert.equal(await remove(fixture.owner.workspaceId), undefined);
    });

    test('IDs, digests and slugs are compared exactly (unlike in CVE-2026-55170)', async () => {
      const { id } = await seedCredential(fixture.store, fixture.owner, { id: 'key_CaseMatters' });
      await seedCredential(fixture.store, fixture.owner, { id: 'key_casematters', name: 'Lower' });
      assert.equal((await fixture.find(id))?.name, 'Billing');
      assert.equal((await fixture.find('key_casematters'))?.name, 'Lower');
      for (const otherId of ['KEY_CASEMATTERS', 'key_CaseMatters ', ' key_CaseMatters', 'key_CaseMätters']) {
        assert.equal(await fixture.find(otherId), undefined, otherId);
      }
      const upper = fixture.owner.workspaceId.toUpperCase();
      assert.equal(await fixture.find(id, upper), undefined);
      assert.equal(await findWorkspace(fixture.store.read, fixture.owner.personId, upper), undefined);
      assert.equal(await isWorkspaceSlugTaken(fixture.store.read, upper), false);
      await seedCredential(fixture.store, fixture.owner, { digest: testDigest('letter a') });
      assert.equal(await findByDigest(fixture.store, testDigest('letter A')), undefined);
      assert.equal(
        (await findWorkspace(fixture.store.read, fixture.owner.personId, fixture.owner.workspaceId))?.role,
        'owner',
      );
    });

    test('a duplicate ID is reported as a unique violation, and another constraint violation is not', async () => {
      const { id } = await seedCredential(fixture.store, fixture.owner);
      const error = await seedCredential(fixture.store, fixture.owner, { id }).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      assert.equal(isUniqueViolation(error), true);
      // A row of the table `failure` without a subject violates a not-null constraint.
      const otherError = await fixture.store
        .transaction((trx) => {
          const [subject, since] = [null as never, 0];
          return countFailure(trx, subject, { address: 'a', at: 1 }, since, () => true);
        })
        .then(
          () => null,
          (thrown: unknown) => thrown,
        );
      assert.notEqual(otherError, null);
      assert.equal(isUniqueViolation(otherError), false);
    });

    test('a failed transaction changes nothing, and later queries work', async () => {
      const { id } = await seedCredential(fixture.store, fixture.owner);
      await assert.rejects(
        fixture.store.transaction(async (trx) => {
          await deleteCredential(trx, fixture.owner.workspaceId, 'api_key', id);
          await insertRevocation(trx, fixture.owner.workspaceId, null, NOW);
          throw new Error('deliberate failure');
        }),
        /deliberate failure/,
      );
      assert.equal((await fixture.find(id))?.id, id);
    });

    test('names in any script are returned unchanged', async () => {
      for (const name of ['Ünïcödé ✓', '🔑'.repeat(255), "Robert'); drop table credential;--", 'a\\%_b', 'नमस्ते']) {
        const { id } = await seedCredential(fixture.store, fixture.owner, { name });
        assert.equal((await fixture.find(id))?.name, name);
      }
    });
  });

  test('a credential has one replacement at most; links are deleted with it and can be inserted in any order', async () => {
    const readLinks = async (id: string) => {
      const row = await fixture.find(id);
      return [row?.replaces_id, row?.replaced_by_id];
    };
    const old = await seedCredential(fixture.store, fixture.owner);
    const { id } = await seedCredential(fixture.store, fixture.owner, { replaces_id: old.id });
    assert.deepEqual(
      [await readLinks(old.id), await readLinks(id)],
      [
        [null, id],
        [old.id, null],
      ],
    );
    const second = seedCredential(fixture.store, fixture.owner, { replaces_id: old.id });
    assert.equal(isUniqueViolation(await second.catch((error: unknown) => error)), true);
    await assert.rejects(seedCredential(fixture.store, fixture.owner, { replaces_id: 'key_unknown' }));
    await fixture.store.transaction((trx) => deleteCredential(trx, fixture.owner.workspaceId, 'api_key', old.id));
    assert.deepEqual(await readLinks(id), [null, null]);

    // Copies and restores insert the rows of a table in no particular order.
    const later = await seedCredential(fixture.store, fixture.owner, { replaces_id: id });
    await fixture.store.transaction(async (trx) => {
      const rows = await trx.selectFrom('credential').selectAll().where('id', 'in', [id, later.id]).execute();
      for (const row of rows) await deleteCredential(trx, fixture.owner.workspaceId, 'api_key', row.id);
      rows.sort((a, b) => Number(a.replaces_id === null) - Number(b.replaces_id === null));
      for (const row of rows) await insertCredential(trx, row);
    });
    assert.deepEqual(
      [await readLinks(id), await readLinks(later.id)],
      [
        [null, later.id],
        [id, null],
      ],
    );
  });
}
