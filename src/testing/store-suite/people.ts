import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestToBytes } from '../../authorization/secret.ts';
import { createId } from '../../contract/id.ts';
import { DAY } from '../../contract/limits.ts';
import { findCurrentRole } from '../../store/current-rights.ts';
import { insertSessionSignIn } from '../../store/identities.ts';
import { insertMember, listMembers, updateMemberRole } from '../../store/members.ts';
import {
  advanceTotpStep,
  consumeRecoveryCode,
  consumeSetupCode,
  deleteEndedSessions,
  deleteSessions,
  findPersonByEmail,
  findSignedInPerson,
  insertPerson,
  insertSession,
  listSessions,
  replaceRecoveryCodes,
  replaceSessionDigest,
  replaceSetupCode,
  updatePerson,
} from '../../store/people.ts';
import { savePolicy } from '../../store/policy.ts';
import { findByDigest } from '../../store/presented-credentials.ts';
import { isUniqueViolation } from '../../store/store.ts';
import { addChunksToCredentials, insertUsageChunk, readUses } from '../../store/usage.ts';
import { deleteWorkspace, findWorkspace, isOwnedByOperator } from '../../store/workspaces.ts';
import { seedCredential, seedPerson, seedWorkspace } from '../test-store.ts';
import { NOW, type StoreFixture, testDigest } from './fixture.ts';

export function declarePeopleTests(fixture: StoreFixture): void {
  describe('people', () => {
    test('a setup code works once, however many requests use it concurrently', async () => {
      await fixture.store.transaction((trx) => replaceSetupCode(trx, testDigest('old')));
      await fixture.store.transaction((trx) => replaceSetupCode(trx, testDigest('code')));
      const consume = (code: string) => fixture.store.transaction((trx) => consumeSetupCode(trx, testDigest(code)));
      assert.equal(await consume('old'), false);
      const results = await Promise.all(Array.from({ length: 4 }, () => consume('code')));
      assert.equal(results.filter(Boolean).length, 1);
    });

    test('a TOTP time step and a recovery code work once, and a time step is refused after a later one', async () => {
      const personId = await seedPerson(fixture.store);
      const advance = (step: number) => fixture.store.transaction((trx) => advanceTotpStep(trx, personId, step));
      assert.equal((await Promise.all([advance(5), advance(5), advance(5)])).filter(Boolean).length, 1);
      assert.equal(await advance(4), false);
      assert.equal(await advance(6), true);
      await fixture.store.transaction((trx) => replaceRecoveryCodes(trx, personId, [testDigest('a'), testDigest('b')]));
      const use = (code: string, id = personId) =>
        fixture.store.transaction((trx) => consumeRecoveryCode(trx, id, testDigest(code)));
      assert.equal(await use('a', await seedPerson(fixture.store)), false);
      assert.equal((await Promise.all([use('a'), use('a')])).filter(Boolean).length, 1);
      assert.equal(await use('A'), false);
    });

    test('an email address belongs to one person only, and its key is compared exactly', async () => {
      const add = (id: string, key: string) =>
        fixture.store.transaction((trx) =>
          insertPerson(trx, {
            id,
            name: 'x',
            email: key,
            email_key: key,
            password_hash: '-',
            created_at: 1,
            updated_at: 1,
          }),
        );
      await add('per_a', 'same@example.com');
      await assert.rejects(add('per_b', 'same@example.com'), (error) => isUniqueViolation(error));
      assert.equal((await findPersonByEmail(fixture.store.read, 'same@example.com'))?.id, 'per_a');
      assert.equal(await findPersonByEmail(fixture.store.read, 'Same@example.com'), undefined);
    });

    test('sessions are found by their newest secret, active ones are listed, and one session or all except one can be ended', async () => {
      const personId = await seedPerson(fixture.store);
      const addSession = (id: string, time: number) =>
        fixture.store.transaction((trx) =>
          insertSession(trx, {
            id,
            person_id: personId,
            digest: testDigest(id),
            kind: 'browser',
            address: null,
            user_agent: null,
            created_at: time,
            last_used_at: time,
            ends_at: time + 90 * DAY,
          }),
        );
      for (const [index, id] of ['ses_a', 'ses_b', 'ses_c', 'ses_d'].entries()) await addSession(id, NOW + index);
      const findSessionId = async (digest: string) =>
        (await findSignedInPerson(fixture.store, testDigest(digest), null))?.session_id;
      assert.equal(await findSessionId('ses_a'), 'ses_a');
      assert.equal(await findSessionId('SES_A'), undefined);
      await fixture.store.transaction((trx) => replaceSessionDigest(trx, personId, 'ses_a', testDigest('new')));
      assert.equal(await findSessionId('ses_a'), undefined);
      assert.equal(await findSessionId('new'), 'ses_a');
      const listIds = async (now: number) =>
        (await listSessions(fixture.store.read, personId, { now, idleMs: 14 * DAY }, { limit: 10, after: null })).map(
          ({ id }) => id,
        );
      assert.deepEqual(await listIds(NOW + 5), ['ses_d', 'ses_c', 'ses_b', 'ses_a']);
      assert.deepEqual(await listIds(NOW + 14 * DAY + 2), ['ses_d']);
      const endSession = (sessionPersonId: string, id: string) =>
        fixture.store.transaction((trx) => deleteSessions(trx, sessionPersonId, id, null));
      assert.deepEqual(await endSession(fixture.owner.personId, 'ses_d'), []);
      assert.deepEqual(await endSession(personId, 'ses_d'), ['ses_d']);
      const endedOthers = await fixture.store.transaction((trx) => deleteSessions(trx, personId, null, 'ses_b'));
      assert.deepEqual(endedOthers.sort(), ['ses_a', 'ses_c']);
      await fixture.store.transaction((trx) => deleteEndedSessions(trx, NOW + 14 * DAY + 1, 14 * DAY));
      assert.deepEqual(await listIds(NOW + 5), []);
    });

    test('a policy that requires two-factor authentication accepts a session with multiple factors at the provider, but not one with a single factor', async () => {
      const { store } = fixture;
      const personId = await seedPerson(store);
      const { workspaceId } = await seedWorkspace(store);
      const roleIn = (sessionId: string) => findCurrentRole(store.read, workspaceId, personId, sessionId, NOW);
      await store.transaction(async (trx) => {
        await insertMember(trx, {
          id: createId('member', NOW),
          workspace_id: workspaceId,
          person_id: personId,
          role: 'admin',
          created_at: NOW,
        });
        for (const [id, multiFactor] of [
          ['ses_single_factor', 0],
          ['ses_multi_factor', 1],
        ] as const) {
          await insertSession(trx, {
            id,
            person_id: personId,
            digest: testDigest(id),
            kind: 'browser',
            address: null,
            user_agent: null,
            created_at: NOW,
            last_used_at: NOW,
            ends_at: NOW + DAY,
          });
          await insertSessionSignIn(trx, {
            session_id: id,
            identity_id: null,
            provider_session: null,
            multi_factor: multiFactor,
            fresh_until: 0,
            refresh_token_sealed: null,
            checked_at: NOW,
          });
        }
        await savePolicy(trx, workspaceId, {
          max_lifetime_days: null,
          binds_existing_from: null,
          passphrase_scopes: '[]',
          allow_all: 1,
          require_addresses: 0,
          require_two_factor: 1,
          created_by: 'admins',
          unused_after_days: 90,
          on_leak: 'delete',
          foreign_prefixes: '[]',
        });
      });
      assert.deepEqual([await roleIn('ses_single_factor'), await roleIn('ses_multi_factor')], [null, 'admin']);
    });

    test('a workspace belongs to an operator while its owner is an enabled operator', async () => {
      const { workspaceId, personId } = await seedWorkspace(fixture.store);
      const adminId = await seedPerson(fixture.store);
      const admin = { id: createId('member'), workspace_id: workspaceId, person_id: adminId, created_at: NOW };
      await fixture.store.transaction((trx) => insertMember(trx, { ...admin, role: 'admin' }));
      const setFlags = (id: string, flags: { operator: number; disabled: number }) =>
        fixture.store.transaction((trx) => updatePerson(trx, id, flags));
      const isOwned = () => isOwnedByOperator(fixture.store.read, workspaceId);
      assert.equal(await isOwned(), false);
      await setFlags(adminId, { operator: 1, disabled: 0 });
      assert.equal(await isOwned(), false);
      await setFlags(personId, { operator: 1, disabled: 0 });
      assert.equal(await isOwned(), true);
      await setFlags(personId, { operator: 1, disabled: 1 });
      assert.equal(await isOwned(), false);
      assert.equal(await isOwnedByOperator(fixture.store.read, 'wsp_none'), false);
    });

    test('a workspace has at most one owner, a person can be a member once, and a page of members shows whether another follows', async () => {
      const { workspaceId } = await seedWorkspace(fixture.store);
      const join = async (role: 'owner' | 'member', personId?: string) => {
        const row = { id: createId('member'), workspace_id: workspaceId, role, created_at: NOW };
        const person_id = personId ?? (await seedPerson(fixture.store));
        await fixture.store.transaction((trx) => insertMember(trx, { ...row, person_id }));
        return { id: row.id, person_id };
      };
      await assert.rejects(join('owner'), (error) => isUniqueViolation(error));
      const member = await join('member');
      await assert.rejects(join('member', member.person_id), (error) => isUniqueViolation(error));
      await assert.rejects(
        fixture.store.transaction((trx) => updateMemberRole(trx, workspaceId, member.id, 'owner')),
        (error) => isUniqueViolation(error),
      );
      // A page contains one row more than its limit, which shows that another page follows.
      const page = await listMembers(fixture.store.read, workspaceId, { limit: 1, after: null });
      assert.equal(page.length, 2);
      assert.equal(page[0]?.role, 'owner');
    });

    test('deleting a workspace deletes its credentials and their uses, but no credential of another workspace', async () => {
      const deletedWorkspace = await seedWorkspace(fixture.store);
      const remaining = await seedCredential(fixture.store, fixture.owner);
      const { id, digest } = await seedCredential(fixture.store, deletedWorkspace);
      await fixture.store.transaction(async (trx) => {
        const addresses = [{ address: '10.0.0.1', first: 1, last: 1 }];
        const uses = { credentialId: id, count: 1, lastUsedAt: NOW, addresses, rights: [] };
        await insertUsageChunk(trx, 'nod_suite', 1, [uses]);
        await addChunksToCredentials(trx, 1);
        await deleteWorkspace(trx, deletedWorkspace.workspaceId);
      });
      assert.equal(await findByDigest(fixture.store, digestToBytes(digest)), undefined);
      assert.equal(
        await findWorkspace(fixture.store.read, deletedWorkspace.personId, deletedWorkspace.workspaceId),
        undefined,
      );
      assert.deepEqual((await readUses(fixture.store.read, deletedWorkspace.workspaceId, id, 0, 20)).days, []);
      assert.equal((await fixture.find(remaining.id))?.id, remaining.id);
    });
  });
}
