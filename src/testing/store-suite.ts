import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { appendAuditEvent, readAuditLog } from '../audit/log.ts';
import { verifyEveryLog } from '../audit/verify.ts';
import { digestBytes } from '../authorization/secret.ts';
import { createId } from '../contract/id.ts';
import { DAY } from '../contract/limits.ts';
import { CREDENTIAL_SORTS, type CredentialSort } from '../contract/vocabulary.ts';
import { LIST_BOUNDS, listCredentials } from '../store/credential-lists.ts';
import {
  type CredentialFilter,
  type CredentialRow,
  deleteCredential,
  findByDigest,
  findCredential,
  insertCredential,
  insertRevocation,
  sortValueOf,
  updateCredential,
} from '../store/credentials.ts';
import { countFailure, deleteOldFailures, recentFailures } from '../store/failures.ts';
import { claimIdempotencyKey, deleteOldIdempotencyClaims } from '../store/idempotency.ts';
import { pruneRevocations } from '../store/node-leases.ts';
import { decodeCursor, type PageRequest, toPage } from '../store/paging.ts';
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
} from '../store/people.ts';
import { isUniqueViolation, type Store } from '../store/store.ts';
import { claimUsageChunk, deleteOldUses, foldUses, insertUsageChunk, readUses } from '../store/usage.ts';
import { addRefusals, readRefusals, readRightUses } from '../store/usage-rights.ts';
import {
  deleteWorkspace,
  findWorkspace,
  insertMember,
  isOwnedByOperator,
  listMembers,
  slugTaken,
  updateMemberRole,
} from '../store/workspaces.ts';
import { seedCredential, seedPerson, seedWorkspace, type TestStore } from './test-store.ts';

const NOW = 20_000 * DAY;
const bytes = (text: string) => Buffer.from(text.padEnd(32, '.'));

/**
 * Requirements for every store. `open` returns an empty one. If stores compared credentials or ids differently,
 * authorization would differ too (CVE-2026-55170).
 */
export function declareStoreSuite(engine: string, open: () => Promise<TestStore>): void {
  describe(`the store on ${engine}`, () => {
    let opened: TestStore;
    let store: Store;
    let owner: { workspaceId: string; personId: string };
    before(async () => {
      opened = await open();
      store = opened.store;
      owner = await seedWorkspace(store);
    });
    after(() => opened.close());

    const find = (id: string, workspaceId = owner.workspaceId) =>
      findCredential(store.read, workspaceId, 'api_key', id);

    describe('credentials', () => {
      test('a credential is found by its digest and, in its workspace and kind only, by its id', async () => {
        const neighbour = await seedWorkspace(store);
        const { id, digest } = await seedCredential(store, owner, { name: 'Billing', rights: '["read","deploy"]' });
        const judged = await findByDigest(store, digestBytes(digest));
        assert.deepEqual(
          { ...judged },
          {
            kind: 'api_key',
            id,
            workspace_id: owner.workspaceId,
            name: 'Billing',
            rights: '["read","deploy"]',
            active: 1,
            guard: 0,
            expires_at: null,
            created_at: 1,
            passphrase_hash: null,
          },
        );
        const row = await find(id);
        assert.equal(row?.name, 'Billing');
        assert.equal(row?.creator_name, 'Ada');
        assert.equal(row?.use_count, 0);
        assert.ok(row !== undefined && !('digest' in row));
        assert.equal(await find(id, neighbour.workspaceId), undefined);
        assert.equal(await findCredential(store.read, owner.workspaceId, 'access_token', id), undefined);
      });

      test('an edit and a deletion return the digest, and change nothing in another workspace', async () => {
        const neighbour = await seedWorkspace(store);
        const { id, digest } = await seedCredential(store, owner);
        const edit = { name: 'Other', name_key: 'other', expires_at: NOW, active: 0, updated_at: 7 };
        const run = (workspaceId: string) =>
          store.transaction((trx) => updateCredential(trx, workspaceId, 'api_key', id, edit));
        assert.equal(await run(neighbour.workspaceId), undefined);
        assert.equal((await find(id))?.name, 'Billing');
        assert.deepEqual(Buffer.from((await run(owner.workspaceId)) ?? []), Buffer.from(digestBytes(digest)));
        const row = await find(id);
        assert.deepEqual([row?.name, row?.expires_at, row?.active, row?.updated_at], ['Other', NOW, 0, 7]);
        const remove = (workspaceId: string) =>
          store.transaction((trx) => deleteCredential(trx, workspaceId, 'api_key', id));
        assert.equal(await remove(neighbour.workspaceId), undefined);
        const deleted = await remove(owner.workspaceId);
        assert.equal(deleted?.name, 'Other');
        assert.deepEqual(Buffer.from(deleted?.digest ?? []), Buffer.from(digestBytes(digest)));
        assert.equal(await find(id), undefined);
        assert.equal(await findByDigest(store, digestBytes(digest)), undefined);
        assert.equal(await remove(owner.workspaceId), undefined);
      });

      test('CVE-2026-55170: ids, digests and slugs are compared exactly', async () => {
        const { id } = await seedCredential(store, owner, { id: 'key_CaseMatters' });
        await seedCredential(store, owner, { id: 'key_casematters', name: 'Lower' });
        assert.equal((await find(id))?.name, 'Billing');
        assert.equal((await find('key_casematters'))?.name, 'Lower');
        for (const other of ['KEY_CASEMATTERS', 'key_CaseMatters ', ' key_CaseMatters', 'key_CaseMätters']) {
          assert.equal(await find(other), undefined, other);
        }
        const upper = owner.workspaceId.toUpperCase();
        assert.equal(await find(id, upper), undefined);
        assert.equal(await findWorkspace(store.read, owner.personId, upper), undefined);
        assert.equal(await slugTaken(store.read, upper), false);
        assert.equal((await findWorkspace(store.read, owner.personId, owner.workspaceId))?.role, 'owner');
      });

      test('a digest is unique, and a duplicate is distinguished from other failures', async () => {
        const { id } = await seedCredential(store, owner);
        const error = await seedCredential(store, owner, { id }).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        assert.equal(isUniqueViolation(error), true);
        const other = await store
          .transaction((trx) => countFailure(trx, null as never, { address: 'a', at: 1 }, 0, () => true))
          .then(
            () => null,
            (thrown: unknown) => thrown,
          );
        assert.notEqual(other, null);
        assert.equal(isUniqueViolation(other), false);
      });

      test('a transaction that fails changes nothing, and the next one works', async () => {
        const { id } = await seedCredential(store, owner);
        await assert.rejects(
          store.transaction(async (trx) => {
            await deleteCredential(trx, owner.workspaceId, 'api_key', id);
            await insertRevocation(trx, owner.workspaceId, null, NOW);
            throw new Error('in the middle');
          }),
          /in the middle/,
        );
        assert.equal((await find(id))?.id, id);
      });

      test('names in any script are returned unchanged', async () => {
        for (const name of ['Ünïcödé ✓', '🔑'.repeat(255), "Robert'); drop table credential;--", 'a\\%_b', 'नमस्ते']) {
          const { id } = await seedCredential(store, owner, { name });
          assert.equal((await find(id))?.name, name);
        }
      });
    });

    test('links between credentials are unique, end with the replaced one, and may be inserted in any order', async () => {
      const linksOf = async (id: string) => {
        const row = await find(id);
        return [row?.replaces_id, row?.replaced_by_id];
      };
      const old = await seedCredential(store, owner);
      const { id } = await seedCredential(store, owner, { replaces_id: old.id });
      assert.deepEqual(
        [await linksOf(old.id), await linksOf(id)],
        [
          [null, id],
          [old.id, null],
        ],
      );
      const second = seedCredential(store, owner, { replaces_id: old.id });
      assert.equal(isUniqueViolation(await second.catch((error: unknown) => error)), true);
      await assert.rejects(seedCredential(store, owner, { replaces_id: 'key_unknown' }));
      await store.transaction((trx) => deleteCredential(trx, owner.workspaceId, 'api_key', old.id));
      assert.deepEqual(await linksOf(id), [null, null]);

      // Copies and restores insert the rows of a table in no particular order.
      const later = await seedCredential(store, owner, { replaces_id: id });
      await store.transaction(async (trx) => {
        const rows = await trx.selectFrom('credential').selectAll().where('id', 'in', [id, later.id]).execute();
        for (const row of rows) await deleteCredential(trx, owner.workspaceId, 'api_key', row.id);
        rows.sort((one, two) => Number(one.replaces_id === null) - Number(two.replaces_id === null));
        for (const row of rows) await insertCredential(trx, row);
      });
      assert.deepEqual(
        [await linksOf(id), await linksOf(later.id)],
        [
          [null, later.id],
          [id, null],
        ],
      );
    });

    describe('lists', () => {
      let listed: { workspaceId: string; personId: string };
      let someoneElse: string;
      const COUNT = 60;
      const READS_INDEXES = { list: 0, entries: COUNT, rows: COUNT };
      const READS_IN_ORDER = { list: COUNT, entries: 0, rows: 0 };
      before(async () => {
        listed = await seedWorkspace(store);
        someoneElse = await seedPerson(store);
        for (let index = 0; index < COUNT; index++) {
          // Few different values, so that many adjacent rows are equal in each sort order.
          const name = ['Alpha', 'alpha', 'Beta', 'Émile', '🔑 key', 'zeta_1', 'zeta%2'][index % 7] ?? '';
          await seedCredential(
            store,
            { ...listed, personId: index % 5 === 0 ? someoneElse : listed.personId },
            {
              name,
              created_at: NOW - (index % 6) * DAY,
              expires_at: index % 4 === 0 ? null : NOW + ((index % 5) - 2) * DAY,
              last_used_at: index % 3 === 0 ? null : NOW - (index % 8) * DAY,
              rights: index % 2 === 0 ? '["read"]' : '["read","write","manage_apps"]',
              active: index % 9 === 0 ? 0 : 1,
            },
          );
        }
        const neighbour = await seedWorkspace(store);
        await seedCredential(store, neighbour, { name: 'Alpha', created_at: NOW });
        await seedCredential(store, listed, { kind: 'access_token', name: 'Alpha', created_at: NOW });
      });

      const list = (
        sort: CredentialSort,
        direction: 'asc' | 'desc',
        filter: Partial<CredentialFilter>,
        page: PageRequest,
        bounds = LIST_BOUNDS,
      ) => {
        const of = { workspaceId: listed.workspaceId, filter: { kind: 'api_key' as const, ...filter } };
        return listCredentials(store.read, { ...of, sort, direction, page, now: NOW }, bounds);
      };

      async function all(
        sort: CredentialSort,
        direction: 'asc' | 'desc',
        filter: Partial<CredentialFilter> = {},
        limit = 7,
        bounds = LIST_BOUNDS,
      ): Promise<CredentialRow[]> {
        const rows: CredentialRow[] = [];
        let cursor: string | null | undefined;
        do {
          const kind = sort === 'name' ? 'string' : 'number';
          const page = { limit, after: decodeCursor(sort, kind, cursor ?? undefined) };
          const found = await list(sort, direction, filter, page, bounds);
          assert.ok(found);
          const cut = toPage(
            found.rows,
            limit,
            sort,
            (row) => ({ value: sortValueOf(row, sort), id: row.id }),
            (row) => row,
          );
          rows.push(...cut.data);
          cursor = cut.nextCursor;
        } while (cursor !== null);
        return rows;
      }

      for (const sort of CREDENTIAL_SORTS) {
        for (const direction of ['asc', 'desc'] as const) {
          test(`pages by ${sort} ${direction} lose nothing, repeat nothing and are in order`, async () => {
            const rows = await all(sort, direction);
            assert.equal(rows.length, COUNT);
            assert.equal(new Set(rows.map(({ id }) => id)).size, COUNT);
            assert.ok(rows.every((row) => row.workspace_id === listed.workspaceId && row.kind === 'api_key'));
            const bytesOf = (value: string | number) => (typeof value === 'string' ? Buffer.from(value) : value);
            for (let index = 1; index < rows.length; index++) {
              const [one, two] = [rows[index - 1], rows[index]].map((row) =>
                row === undefined ? 0 : bytesOf(sortValueOf(row, sort)),
              );
              const order =
                one instanceof Buffer && two instanceof Buffer ? Buffer.compare(one, two) : Number(one) - Number(two);
              assert.ok(direction === 'asc' ? order <= 0 : order >= 0, `at ${index}`);
            }
            const whole = await all(sort, direction, {}, 200);
            assert.deepEqual(
              rows.map(({ id }) => id),
              whole.map(({ id }) => id),
            );
          });
        }
      }

      test('credentials without expiry come after those with one, and unused ones before used ones', async () => {
        const byExpiry = (await all('expiresAt', 'asc')).map((row) => row.expires_at === null);
        assert.deepEqual(
          byExpiry,
          [...byExpiry].sort((one, two) => Number(one) - Number(two)),
        );
        const byUse = (await all('lastUsedAt', 'asc')).map((row) => row.last_used_at !== null);
        assert.deepEqual(
          byUse,
          [...byUse].sort((one, two) => Number(one) - Number(two)),
        );
      });

      test('a page that would read too much of a long list is refused, never incomplete', async () => {
        const bounds = { list: 10, entries: 8, rows: 8 };
        const first = { limit: 3, after: null };
        const answers = async (sort: CredentialSort, filter: Partial<CredentialFilter>) =>
          (await list(sort, 'asc', filter, first, bounds)) !== null;
        const rows: [CredentialSort, Partial<CredentialFilter>, boolean][] = [
          ['createdAt', {}, true],
          ['name', { q: 'alpha' }, true],
          ['name', { q: 'zeta' }, false],
          ['createdAt', { right: 'manage' }, false],
          ['expiresAt', { status: 'expired' }, true],
          ['createdAt', { neverExpires: true, q: 'nothing' }, false],
          ['name', { expiresBy: NOW }, true],
          ['createdAt', { createdBy: 'prs_nobody', q: 'alpha' }, true],
          ['useCount', { unusedSince: 1, right: 'manage' }, false],
        ];
        for (const [sort, filter, expected] of rows) {
          assert.equal(await answers(sort, filter), expected, `${sort} ${JSON.stringify(filter)}`);
        }
      });

      test('each filter, and all of them combined, return exactly the matching rows', async () => {
        const whole = await all('createdAt', 'desc', {}, 200);
        const expired = (row: CredentialRow) => row.expires_at !== null && row.expires_at <= NOW;
        const since = NOW - 3 * DAY;
        const rows: [Partial<CredentialFilter>, (row: CredentialRow) => boolean][] = [
          [{ q: 'alpha' }, (row) => row.name.toLowerCase() === 'alpha'],
          [{ q: 'émil' }, (row) => row.name === 'Émile'],
          [{ q: '🔑' }, (row) => row.name.startsWith('🔑')],
          [{ q: '_' }, (row) => row.name.includes('_')],
          [{ q: '%' }, (row) => row.name.includes('%')],
          [{ q: '\\' }, () => false],
          [{ q: '' }, () => true],
          [{ status: 'active' }, (row) => row.active === 1 && !expired(row)],
          [{ status: 'inactive' }, (row) => row.active === 0],
          [{ status: 'expired' }, (row) => row.active === 1 && expired(row)],
          [{ right: 'write' }, (row) => row.rights.includes('"write"')],
          [{ right: 'manage' }, () => false],
          [{ createdBy: someoneElse }, (row) => row.created_by === someoneElse],
          [{ createdBy: someoneElse.toUpperCase() }, () => false],
          [
            { expiresBy: NOW + DAY },
            ({ expires_at }) => expires_at !== null && expires_at > NOW && expires_at <= NOW + DAY,
          ],
          [{ expiresBy: NOW }, () => false],
          [{ neverExpires: true }, (row) => row.expires_at === null],
          [{ neverExpires: false }, (row) => row.expires_at !== null],
          [{ neverExpires: true, status: 'active' }, (row) => row.expires_at === null && row.active === 1],
          [{ unusedSince: since }, (row) => row.created_at <= since && (row.last_used_at ?? 0) <= since],
          [
            { q: 'zeta', status: 'active', right: 'read', createdBy: listed.personId },
            (row) =>
              row.name.startsWith('zeta') && row.active === 1 && !expired(row) && row.created_by === listed.personId,
          ],
        ];
        for (const [filter, keeps] of rows) {
          const expected = whole.filter(keeps);
          for (const sort of CREDENTIAL_SORTS) {
            const inOrder = (await all(sort, 'desc', {}, 200)).filter(keeps).map(({ id }) => id);
            for (const bounds of [LIST_BOUNDS, READS_INDEXES, READS_IN_ORDER]) {
              const found = (await all(sort, 'desc', filter, 3, bounds)).map(({ id }) => id);
              assert.deepEqual(found, inOrder, `${JSON.stringify(filter)} ${sort} ${JSON.stringify(bounds)}`);
            }
          }
          const first = { limit: 3, after: null };
          for (const bounds of [LIST_BOUNDS, READS_IN_ORDER]) {
            const { total } = (await list('createdAt', 'desc', filter, first, bounds)) ?? {};
            assert.equal(total, expected.length, JSON.stringify(filter));
          }
        }
      });
    });

    describe('revocations', () => {
      test('numbers are gapless and in commit order, however many transactions run or fail concurrently', async () => {
        const results = await Promise.allSettled(
          Array.from({ length: 60 }, (_, index) =>
            store.transaction(async (trx) => {
              const { number } = await insertRevocation(
                trx,
                owner.workspaceId,
                index % 2 === 0 ? bytes(`d${index}`) : null,
                NOW,
              );
              if (index % 5 === 0) throw new Error('rolled back');
              return number;
            }),
          ),
        );
        const numbers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
        assert.equal(numbers.length, 48);
        const first = Math.min(...numbers);
        assert.deepEqual(
          numbers.sort((one, two) => one - two),
          numbers.map((_, index) => first + index),
        );
        const rows = await store.read.selectFrom('revocation').select('number').orderBy('number').execute();
        assert.deepEqual(
          rows.slice(-48).map((row) => row.number),
          numbers,
        );
        await store.transaction((trx) => pruneRevocations(trx, NOW + 1));
        const next = await store.transaction((trx) => insertRevocation(trx, owner.workspaceId, null, NOW));
        assert.equal(next.number, first + 48);
        const remaining = await store.read
          .selectFrom('revocation')
          .select(['number', 'id'])
          .orderBy('number')
          .execute();
        assert.deepEqual(
          remaining.map((row) => row.number),
          [first + 47, first + 48],
          'the newest stays, by which nodes know their history',
        );
        assert.equal(new Set(remaining.map((row) => row.id)).size, 2);
        assert.equal(remaining[1]?.id, next.id);
      });
    });

    describe('the activity log', () => {
      test('events appended in parallel are numbered and chained without a gap', async () => {
        const { workspaceId } = await seedWorkspace(store);
        const other = await seedWorkspace(store);
        await Promise.allSettled(
          Array.from({ length: 40 }, (_, index) =>
            store.transaction(async (trx) => {
              await appendAuditEvent(trx, {
                workspaceId: index % 4 === 3 ? other.workspaceId : workspaceId,
                action: 'workspace.updated',
                at: NOW + index,
                actor: { kind: 'system', id: null, name: null },
                target: { kind: 'workspace', id: `t${index % 3}`, name: 'Ünï' },
                credential: index % 2 === 0 ? { id: 'key_1', kind: 'api_key', name: 'one' } : null,
                origin: { address: '10.0.0.1', userAgent: 'test', requestId: `r${index}` },
                detail: { at: index },
              });
              if (index % 8 === 0) throw new Error('rolled back');
            }),
          ),
        );
        const events = (await readAuditLog(store.read, workspaceId, { limit: '200' })).data;
        assert.equal(events.length, 25);
        assert.deepEqual(
          events.map(({ sequence }) => sequence),
          Array.from({ length: 25 }, (_, index) => 25 - index),
        );
        for (const [index, event] of events.entries()) {
          const before = events[index + 1];
          assert.equal(event.previousHash, before?.hash ?? '0'.repeat(64));
        }
        for await (const check of verifyEveryLog(store.read)) assert.equal(check.broken, null);
        const filtered = await readAuditLog(store.read, workspaceId, { credential: 'key_1', target: 't1' });
        const detailed = events.filter((event) => event.credential !== null && event.target?.id === 't1');
        assert.deepEqual(filtered.data, detailed);
        const spans = { from: new Date(NOW + 10).toISOString(), to: new Date(NOW + 20).toISOString() };
        const within = await readAuditLog(store.read, workspaceId, spans);
        assert.ok(within.data.length > 0);
        assert.ok(within.data.every((event) => event.at >= spans.from && event.at < spans.to));
        const pages: number[] = [];
        let cursor: string | undefined;
        do {
          const page = await readAuditLog(store.read, workspaceId, {
            limit: '4',
            ...(cursor !== undefined && { cursor }),
          });
          pages.push(...page.data.map(({ sequence }) => sequence));
          cursor = page.nextCursor ?? undefined;
        } while (cursor !== undefined);
        assert.deepEqual(
          pages,
          events.map(({ sequence }) => sequence),
        );
      });
    });

    describe('idempotency keys', () => {
      const claim = { workspaceId: 'w', principalId: 'p', route: 'POST /x', key: 'k', bodyMac: 'm' };
      test('exactly one of many concurrent claims is first, and the others get what it created', async () => {
        const earlier = await Promise.all(
          Array.from({ length: 8 }, (_, index) =>
            store.transaction((trx) => claimIdempotencyKey(trx, { ...claim, bodyMac: `m${index}` }, `id${index}`, NOW)),
          ),
        );
        const firsts = earlier.flatMap((row, index) => (row === null ? [index] : []));
        assert.equal(firsts.length, 1);
        for (const row of earlier) {
          if (row !== null) assert.deepEqual({ ...row }, { bodyMac: `m${firsts[0]}`, resourceId: `id${firsts[0]}` });
        }
      });
      test('another workspace, person, route or key is another claim, and one that was rolled back is none', async () => {
        const first = (claimed: typeof claim) =>
          store.transaction((trx) => claimIdempotencyKey(trx, claimed, 'id', NOW));
        for (const other of [{ workspaceId: 'W' }, { principalId: 'P' }, { route: 'POST /X' }, { key: 'K' }]) {
          assert.equal(await first({ ...claim, ...other }), null);
          assert.notEqual(await first({ ...claim, ...other }), null);
        }
        const failed = { ...claim, key: 'rolled back' };
        await assert.rejects(
          store.transaction(async (trx) => {
            await claimIdempotencyKey(trx, failed, 'id', NOW);
            throw new Error('no');
          }),
        );
        assert.equal(await first(failed), null);
        await store.transaction((trx) => deleteOldIdempotencyClaims(trx, NOW + 1));
        assert.equal(await first(failed), null);
      });
    });

    test('failures are read by subject and age, oldest first, and old ones are deleted', async () => {
      await store.transaction(async (trx) => {
        await countFailure(trx, 'subject', { address: '10.0.0.2', at: NOW + 5 }, 0, () => true);
        await countFailure(trx, 'subject', { address: '10.0.0.1', at: NOW }, 0, () => true);
        await countFailure(trx, 'Subject', { address: '10.0.0.1', at: NOW }, 0, () => true);
      });
      const read = async (since: number) =>
        (await recentFailures(store.read, 'subject', since)).map(({ address, at }) => [address, at]);
      assert.deepEqual(await read(NOW - 1), [
        ['10.0.0.1', NOW],
        ['10.0.0.2', NOW + 5],
      ]);
      assert.deepEqual(await read(NOW), [['10.0.0.2', NOW + 5]]);
      await store.transaction((trx) => deleteOldFailures(trx, NOW + 5));
      assert.equal((await read(0)).length, 1);
    });

    test('exactly the allowed number of concurrent failures is counted', async () => {
      const counted = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          store.transaction((trx) =>
            countFailure(trx, 'crowd', { address: `10.0.0.${index}`, at: NOW }, NOW - 1, (before) => before.length < 5),
          ),
        ),
      );
      assert.equal(counted.filter((result) => result.counted).length, 5);
      assert.equal((await recentFailures(store.read, 'crowd', 0)).length, 5);
    });

    describe('uses', () => {
      test('a chunk is claimed once per node and number', async () => {
        const claimed = (node: string, number: number) =>
          store.transaction((trx) => claimUsageChunk(trx, node, number));
        assert.equal(await claimed('n1', 1), true);
        assert.equal(await claimed('n1', 1), false);
        assert.equal(await claimed('n1', 2), true);
        assert.equal(await claimed('n1', 1), false);
        assert.equal(await claimed('n2', 1), true);
      });
      test('chunk numbers are deleted once no chunk can be sent again', async () => {
        const { id: key } = await seedCredential(store, owner);
        const guard = (keyId: string, id = 'g') => `${keyId}.${id.repeat(22)}`;
        const oldNode = createId('node', NOW - 31 * DAY);
        const leased = createId('node', NOW - 31 * DAY);
        const rows: readonly (readonly [node: string, number: number, kept: boolean])[] = [
          [createId('node', NOW - 90 * DAY), NOW - DAY, true],
          [createId('node', NOW - 90 * DAY), NOW - 31 * DAY, false],
          [guard(key), NOW - 29 * DAY, true],
          [guard(createId('api_key')), NOW, false],
          // As earlier versions counted.
          [oldNode, 7, false],
          [leased, 7, true],
          [createId('node', NOW - 29 * DAY), 7, true],
          [guard(key, 'h'), 7, true],
          [guard(key, 'i'), NOW + DAY, true],
          [guard(key, 'j'), NOW + DAY + 1, false],
        ];
        await store.transaction(async (trx) => {
          await trx
            .insertInto('node')
            .values({ id: leased, workspace_id: null, confirmed: 0, lease_until: NOW })
            .execute();
          for (const [node, number] of rows) assert.equal(await claimUsageChunk(trx, node, number), true);
          await deleteOldUses(trx, NOW);
          for (const [node, number, remaining] of rows)
            assert.equal(await claimUsageChunk(trx, node, number), !remaining, `${node} ${number}`);
          await trx.deleteFrom('node').where('id', '=', leased).execute();
        });
      });
      test('refusals add up per day and reason, and rights are kept for the latest apps', async () => {
        const { id } = await seedCredential(store, owner);
        const refusals = {
          workspaceId: owner.workspaceId,
          credentialId: id,
          day: 20_000,
          reason: 'token_expired',
          count: 2,
        };
        await store.transaction(async (trx) => {
          for (const day of [20_000, 20_000, 20_001]) await addRefusals(trx, { ...refusals, day });
          await addRefusals(trx, { ...refusals, reason: 'insufficient_scope' });
          await addRefusals(trx, { ...refusals, credentialId: 'key_gone' });
          const mine = { credential_id: id, workspace_id: owner.workspaceId, count: 1 };
          const ofApps = Array.from({ length: 102 }, (_, index) => ({
            ...{ ...mine, name: 'read', app_id: `app_${index}`, last_used_at: NOW - index },
          }));
          const ofNone = { ...mine, name: 'write', app_id: '', last_used_at: NOW - 1000 };
          await trx
            .insertInto('credential_right')
            .values([...ofApps, ofNone])
            .execute();
          await deleteOldUses(trx, NOW);
        });
        const { rights } = await readRightUses(store.read, owner.workspaceId, id);
        const kept = rights.map(({ app }) => app?.id ?? null);
        assert.deepEqual([kept.length, kept[0], kept.at(-2), kept.at(-1)], [101, 'app_0', 'app_99', null]);
        assert.deepEqual(
          (await readRefusals(store.read, owner.workspaceId, id, 20_000)).map(({ day, reason, count }) => [
            day,
            reason,
            count,
          ]),
          [
            [20_000, 'insufficient_scope', 2],
            [20_000, 'token_expired', 4],
            [20_001, 'token_expired', 2],
          ],
        );
      });
      test('uses add up, never move the last use back, and old days and addresses are deleted', async () => {
        const { id } = await seedCredential(store, owner);
        const use = (count: number, time: number, address: string) =>
          store.transaction(async (trx) => {
            const addresses = [{ address, first: time, last: time }];
            const rights = [{ right: 'read', app: 'no-such-app', count }];
            const mine = { credentialId: id, count, lastUsedAt: time, addresses, rights };
            await insertUsageChunk(trx, 'nod_suite', time, [mine, { ...mine, credentialId: 'key_gone' }]);
            assert.deepEqual(await foldUses(trx, 10), { chunks: 1, uses: 2 });
            assert.deepEqual(await foldUses(trx, 10), { chunks: 0, uses: 0 });
          });
        await use(3, NOW, '10.0.0.1');
        await use(4, NOW - DAY, '10.0.0.2');
        const row = await find(id);
        assert.equal(row?.use_count, 7);
        assert.equal(row?.last_used_at, NOW);
        const read = () => readUses(store.read, owner.workspaceId, id, 0, 20);
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
        const usesPerRight = async () => (await readRightUses(store.read, owner.workspaceId, id)).rights;
        assert.deepEqual(await usesPerRight(), [{ right: 'read', app: null, count: 7, last: NOW }]);
        await store.transaction((trx) => deleteOldUses(trx, NOW + 400 * DAY));
        assert.equal((await usesPerRight()).length, 1);
        await store.transaction((trx) => deleteOldUses(trx, NOW + 400 * DAY + 1));
        assert.deepEqual(await usesPerRight(), []);
        assert.equal((await read()).days.length, 1);
        assert.equal((await read()).addresses.length, 0);
      });
    });

    describe('people', () => {
      test('a setup code works once, however many requests use it concurrently', async () => {
        await store.transaction((trx) => replaceSetupCode(trx, bytes('old')));
        await store.transaction((trx) => replaceSetupCode(trx, bytes('code')));
        const take = (code: string) => store.transaction((trx) => consumeSetupCode(trx, bytes(code)));
        assert.equal(await take('old'), false);
        const taken = await Promise.all(Array.from({ length: 4 }, () => take('code')));
        assert.equal(taken.filter(Boolean).length, 1);
      });

      test('a time step and a recovery code work once, a step never after a later one', async () => {
        const personId = await seedPerson(store);
        const step = (step: number) => store.transaction((trx) => advanceTotpStep(trx, personId, step));
        assert.equal((await Promise.all([step(5), step(5), step(5)])).filter(Boolean).length, 1);
        assert.equal(await step(4), false);
        assert.equal(await step(6), true);
        await store.transaction((trx) => replaceRecoveryCodes(trx, personId, [bytes('a'), bytes('b')]));
        const use = (code: string, id = personId) =>
          store.transaction((trx) => consumeRecoveryCode(trx, id, bytes(code)));
        assert.equal(await use('a', await seedPerson(store)), false);
        assert.equal((await Promise.all([use('a'), use('a')])).filter(Boolean).length, 1);
        assert.equal(await use('A'), false);
      });

      test('an email address belongs to one person, compared by its key', async () => {
        const add = (id: string, key: string) =>
          store.transaction((trx) =>
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
        assert.equal((await findPersonByEmail(store.read, 'same@example.com'))?.id, 'per_a');
        assert.equal(await findPersonByEmail(store.read, 'Same@example.com'), undefined);
      });

      test('sessions are found by their newest secret, active ones are listed, and one, some or all can be ended', async () => {
        const personId = await seedPerson(store);
        const session = (id: string, time: number) =>
          store.transaction((trx) =>
            insertSession(trx, {
              id,
              person_id: personId,
              digest: bytes(id),
              kind: 'browser',
              address: null,
              user_agent: null,
              created_at: time,
              last_used_at: time,
              ends_at: time + 90 * DAY,
            }),
          );
        for (const [index, id] of ['ses_a', 'ses_b', 'ses_c', 'ses_d'].entries()) await session(id, NOW + index);
        const found = async (digest: string) => (await findSignedInPerson(store, bytes(digest), null))?.session_id;
        assert.equal(await found('ses_a'), 'ses_a');
        assert.equal(await found('SES_A'), undefined);
        await store.transaction((trx) => replaceSessionDigest(trx, personId, 'ses_a', bytes('new')));
        assert.equal(await found('ses_a'), undefined);
        assert.equal(await found('new'), 'ses_a');
        const listed = async (now: number) =>
          (await listSessions(store.read, personId, { now, idle: 14 * DAY }, { limit: 10, after: null })).map(
            ({ id }) => id,
          );
        assert.deepEqual(await listed(NOW + 5), ['ses_d', 'ses_c', 'ses_b', 'ses_a']);
        assert.deepEqual(await listed(NOW + 14 * DAY + 2), ['ses_d']);
        const end = (id: string | null, except: string | null, whose = personId) =>
          store.transaction((trx) => deleteSessions(trx, whose, id, except));
        assert.deepEqual(await end('ses_d', null, owner.personId), []);
        assert.deepEqual(await end('ses_d', null), ['ses_d']);
        assert.deepEqual((await end(null, 'ses_b')).sort(), ['ses_a', 'ses_c']);
        await store.transaction((trx) => deleteEndedSessions(trx, NOW + 14 * DAY + 1, 14 * DAY));
        assert.deepEqual(await listed(NOW + 5), []);
      });

      test('a workspace belongs to an operator while its owner is an enabled operator', async () => {
        const { workspaceId, personId } = await seedWorkspace(store);
        const other = await seedPerson(store);
        const admin = { id: createId('member'), workspace_id: workspaceId, person_id: other, created_at: NOW };
        await store.transaction((trx) => insertMember(trx, { ...admin, role: 'admin' }));
        const set = (id: string, operator: number, disabled: number) =>
          store.transaction((trx) => updatePerson(trx, id, { operator, disabled }));
        const owned = () => isOwnedByOperator(store.read, workspaceId);
        assert.equal(await owned(), false);
        await set(other, 1, 0);
        assert.equal(await owned(), false);
        await set(personId, 1, 0);
        assert.equal(await owned(), true);
        await set(personId, 1, 1);
        assert.equal(await owned(), false);
        assert.equal(await isOwnedByOperator(store.read, 'wsp_none'), false);
      });

      test('a workspace has exactly one owner, a person is a member once, and members have pages', async () => {
        const { workspaceId } = await seedWorkspace(store);
        const join = async (role: 'owner' | 'member', personId?: string) => {
          const row = { id: createId('member'), workspace_id: workspaceId, role, created_at: NOW };
          const person_id = personId ?? (await seedPerson(store));
          await store.transaction((trx) => insertMember(trx, { ...row, person_id }));
          return { id: row.id, person_id };
        };
        await assert.rejects(join('owner'), (error) => isUniqueViolation(error));
        const member = await join('member');
        await assert.rejects(join('member', member.person_id), (error) => isUniqueViolation(error));
        await assert.rejects(
          store.transaction((trx) => updateMemberRole(trx, workspaceId, member.id, 'owner')),
          (error) => isUniqueViolation(error),
        );
        const page = await listMembers(store.read, workspaceId, { limit: 1, after: null });
        assert.equal(page.length, 2);
        assert.equal(page[0]?.role, 'owner');
      });

      test('deleting a workspace deletes everything that belongs to it, and nothing else', async () => {
        const doomed = await seedWorkspace(store);
        const remaining = await seedCredential(store, owner);
        const { id, digest } = await seedCredential(store, doomed);
        await store.transaction(async (trx) => {
          const addresses = [{ address: '10.0.0.1', first: 1, last: 1 }];
          const uses = { credentialId: id, count: 1, lastUsedAt: NOW, addresses, rights: [] };
          await insertUsageChunk(trx, 'nod_suite', 1, [uses]);
          await foldUses(trx, 1);
          await deleteWorkspace(trx, doomed.workspaceId);
        });
        assert.equal(await findByDigest(store, digestBytes(digest)), undefined);
        assert.equal(await findWorkspace(store.read, doomed.personId, doomed.workspaceId), undefined);
        assert.deepEqual((await readUses(store.read, doomed.workspaceId, id, 0, 20)).days, []);
        assert.equal((await find(remaining.id))?.id, remaining.id);
      });
    });
  });
}
