import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { DAY } from '../../contract/limits.ts';
import { CREDENTIAL_SORTS, type CredentialSort } from '../../contract/vocabulary.ts';
import { type CredentialFilter, sortValueOf } from '../../store/credential-filter.ts';
import { LIST_BOUNDS, listCredentials } from '../../store/credential-lists.ts';
import type { CredentialRow } from '../../store/credentials.ts';
import { decodeCursor, type PageRequest, toPage } from '../../store/paging.ts';
import { seedCredential, seedPerson, seedWorkspace } from '../test-store.ts';
import { NOW, type StoreFixture } from './fixture.ts';

export function declareCredentialListTests(fixture: StoreFixture): void {
  describe('lists of credentials', () => {
    let listed: { workspaceId: string; personId: string };
    let otherPersonId: string;
    const COUNT = 60;
    /** A page limit above `COUNT`, so that every list has one page. */
    const ONE_PAGE = 200;
    /** Bounds with which every filtered list is read from an index of the filter. */
    const READ_INDEXES = { maxListSize: 0, maxEntries: COUNT, maxRows: COUNT };
    /** Bounds with which every filtered list is read in its sort order. */
    const READ_IN_ORDER = { maxListSize: COUNT, maxEntries: 0, maxRows: 0 };
    before(async () => {
      listed = await seedWorkspace(fixture.store);
      otherPersonId = await seedPerson(fixture.store);
      for (let index = 0; index < COUNT; index++) {
        // With few distinct values, many adjacent rows are equal in each sort order.
        const name = ['Alpha', 'alpha', 'Beta', 'Émile', '🔑 key', 'zeta_1', 'zeta%2'][index % 7] ?? '';
        await seedCredential(
          fixture.store,
          { ...listed, personId: index % 5 === 0 ? otherPersonId : listed.personId },
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
      const otherWorkspace = await seedWorkspace(fixture.store);
      await seedCredential(fixture.store, otherWorkspace, { name: 'Alpha', created_at: NOW });
      await seedCredential(fixture.store, listed, { kind: 'access_token', name: 'Alpha', created_at: NOW });
    });

    const list = (
      sort: CredentialSort,
      direction: 'asc' | 'desc',
      filter: Partial<CredentialFilter>,
      page: PageRequest,
      bounds = LIST_BOUNDS,
    ) => {
      const request = { workspaceId: listed.workspaceId, filter: { kind: 'api_key' as const, ...filter } };
      return listCredentials(fixture.store.read, { ...request, sort, direction, page, now: NOW }, bounds);
    };

    async function readAllPages(
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
        const result = await list(sort, direction, filter, page, bounds);
        assert.ok(result);
        const listPage = toPage(
          result.rows,
          limit,
          sort,
          (row) => ({ value: sortValueOf(row, sort), id: row.id }),
          (row) => row,
        );
        rows.push(...listPage.data);
        cursor = listPage.nextCursor;
      } while (cursor !== null);
      return rows;
    }

    for (const sort of CREDENTIAL_SORTS) {
      for (const direction of ['asc', 'desc'] as const) {
        test(`pages by ${sort} ${direction} contain every row once and in order`, async () => {
          const rows = await readAllPages(sort, direction);
          assert.equal(rows.length, COUNT);
          assert.equal(new Set(rows.map(({ id }) => id)).size, COUNT);
          assert.ok(rows.every((row) => row.workspace_id === listed.workspaceId && row.kind === 'api_key'));
          const values = rows.map((row) => sortValueOf(row, sort));
          const sortedValues = values.toSorted((a, b) =>
            typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(String(b))) : a - Number(b),
          );
          assert.deepEqual(values, direction === 'asc' ? sortedValues : sortedValues.reverse());
          const unpaged = await readAllPages(sort, direction, {}, ONE_PAGE);
          assert.deepEqual(
            rows.map(({ id }) => id),
            unpaged.map(({ id }) => id),
          );
        });
      }
    }

    test('credentials without expiry sort after expiring ones, and unused ones before used ones', async () => {
      const byExpiry = await readAllPages('expiresAt', 'asc');
      const firstWithoutExpiry = byExpiry.findIndex((row) => row.expires_at === null);
      assert.ok(firstWithoutExpiry > 0);
      assert.ok(byExpiry.slice(firstWithoutExpiry).every((row) => row.expires_at === null));
      const byLastUse = await readAllPages('lastUsedAt', 'asc');
      const firstUsed = byLastUse.findIndex((row) => row.last_used_at !== null);
      assert.ok(firstUsed > 0);
      assert.ok(byLastUse.slice(firstUsed).every((row) => row.last_used_at !== null));
    });

    test('a page that would read too many rows of a long list is refused instead of returned incomplete', async () => {
      const bounds = { maxListSize: 10, maxEntries: 8, maxRows: 8 };
      const firstPage = { limit: 3, after: null };
      const cases: [sort: CredentialSort, filter: Partial<CredentialFilter>, isListed: boolean][] = [
        ['createdAt', {}, true],
        ['name', { q: 'alpha' }, true],
        ['name', { q: 'zeta' }, false],
        ['createdAt', { right: 'manage' }, false],
        ['expiresAt', { status: 'expired' }, true],
        ['expiresAt', { status: 'active' }, true],
        ['createdAt', { neverExpires: true, q: 'nothing' }, false],
        ['name', { expiresBy: NOW }, true],
        ['createdAt', { createdBy: 'per_nobody', q: 'alpha' }, true],
        ['useCount', { unusedSince: 1, right: 'manage' }, false],
      ];
      for (const [sort, filter, isListed] of cases) {
        const page = await list(sort, 'asc', filter, firstPage, bounds);
        assert.equal(page !== null, isListed, `${sort} ${JSON.stringify(filter)}`);
      }
    });

    test('the total of a long list is exact if an index contains only matching rows, and null otherwise', async () => {
      const bounds = { maxListSize: 10, maxEntries: 9, maxRows: 9 };
      const cases: [sort: CredentialSort, filter: Partial<CredentialFilter>, total: number | null][] = [
        ['createdAt', { createdBy: otherPersonId }, COUNT / 5],
        ['expiresAt', { neverExpires: true }, COUNT / 4],
        ['createdAt', { neverExpires: false }, (COUNT * 3) / 4],
        ['createdAt', { right: 'read' }, null],
      ];
      for (const [sort, filter, total] of cases) {
        const page = await list(sort, 'desc', filter, { limit: 3, after: null }, bounds);
        assert.equal(page?.total, total, `${sort} ${JSON.stringify(filter)}`);
        // One row more than the limit shows that another page follows.
        assert.equal(page?.rows.length, 4);
      }
    });

    test('each filter, alone and in some combinations, returns exactly the matching rows', async () => {
      const allRows = await readAllPages('createdAt', 'desc', {}, ONE_PAGE);
      const isExpired = (row: CredentialRow) => row.expires_at !== null && row.expires_at <= NOW;
      const since = NOW - 3 * DAY;
      const cases: [filter: Partial<CredentialFilter>, matches: (row: CredentialRow) => boolean][] = [
        [{ q: 'alpha' }, (row) => row.name.toLowerCase() === 'alpha'],
        [{ q: 'émil' }, (row) => row.name === 'Émile'],
        [{ q: '🔑' }, (row) => row.name.startsWith('🔑')],
        [{ q: '_' }, (row) => row.name.includes('_')],
        [{ q: '%' }, (row) => row.name.includes('%')],
        [{ q: '\\' }, () => false],
        [{ q: '' }, () => true],
        [{ status: 'active' }, (row) => row.active === 1 && !isExpired(row)],
        [{ status: 'inactive' }, (row) => row.active === 0],
        [{ status: 'expired' }, (row) => row.active === 1 && isExpired(row)],
        [{ right: 'write' }, (row) => row.rights.includes('"write"')],
        [{ right: 'manage' }, () => false],
        [{ createdBy: otherPersonId }, (row) => row.created_by === otherPersonId],
        [{ createdBy: otherPersonId.toUpperCase() }, () => false],
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
            row.name.startsWith('zeta') && row.active === 1 && !isExpired(row) && row.created_by === listed.personId,
        ],
      ];
      for (const [filter, matches] of cases) {
        const matchCount = allRows.filter(matches).length;
        for (const sort of CREDENTIAL_SORTS) {
          const expectedIds = (await readAllPages(sort, 'desc', {}, ONE_PAGE)).filter(matches).map(({ id }) => id);
          for (const bounds of [LIST_BOUNDS, READ_INDEXES, READ_IN_ORDER]) {
            const ids = (await readAllPages(sort, 'desc', filter, 3, bounds)).map(({ id }) => id);
            assert.deepEqual(ids, expectedIds, `${JSON.stringify(filter)} ${sort} ${JSON.stringify(bounds)}`);
          }
        }
        const firstPage = { limit: 3, after: null };
        for (const bounds of [LIST_BOUNDS, READ_IN_ORDER]) {
          const { total } = (await list('createdAt', 'desc', filter, firstPage, bounds)) ?? {};
          assert.equal(total, matchCount, JSON.stringify(filter));
        }
      }
    });
  });
}
