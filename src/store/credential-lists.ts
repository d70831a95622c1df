import { type SelectQueryBuilder, sql } from 'kysely';
import { LIMITS } from '../contract/limits.ts';
import type { CredentialSort } from '../contract/vocabulary.ts';
import {
  type CredentialFilter,
  type CredentialSelection,
  NEVER_EXPIRES,
  ofKind,
  SORT_EXPRESSIONS,
  selectWithDetails,
  VIOLATES_POLICY,
  whereMatching,
} from './credential-filter.ts';
import type { CredentialRow } from './credentials.ts';
import type { ListPosition, PageRequest } from './paging.ts';
import type { Schema } from './schema.ts';
import type { Queryable } from './store.ts';

/** How much a filtered list may read, so that the time for a page does not depend on the number of credentials. */
export interface ListBounds {
  /** A list of at most this many credentials, without filters, is read completely. */
  readonly list: number;
  /** Maximum number of entries of an index that contains all compared columns. */
  readonly entries: number;
  /** Maximum number of rows, which are read one by one and are scattered over the table. */
  readonly rows: number;
}
export const LIST_BOUNDS: ListBounds = { list: 20_000, entries: 6_000, rows: 1_000 };

export interface CredentialListRequest {
  readonly workspaceId: string;
  readonly filter: CredentialFilter;
  readonly sort: CredentialSort;
  readonly direction: 'asc' | 'desc';
  readonly page: PageRequest;
  /** Epoch milliseconds; decides which credentials are expired. */
  readonly now: number;
}

/** An index read in its order. */
interface IndexScan {
  /** The sort order of its entries. */
  readonly sort: CredentialSort;
  /** Restricts the scan to the entries that a filter may match. */
  readonly within: (credentials: CredentialSelection) => CredentialSelection;
  /** The filters and sort orders that need no columns besides those in its entries. */
  readonly covers: readonly string[];
  /** The filters that all entries match. */
  readonly implies: readonly string[];
  /** All entries have the same value, so that they are in the order of their ids. */
  readonly isOneValue?: true;
}

const EXPIRY_FILTERS = ['expiresBy', 'neverExpires', 'status=expired', 'status=inactive'];
const COVERED_BY_WHOLE_INDEX: Readonly<Partial<Record<CredentialSort, readonly string[]>>> = {
  createdAt: ['createdAt', ...EXPIRY_FILTERS],
  expiresAt: ['expiresAt', 'createdAt', ...EXPIRY_FILTERS],
  name: ['name', 'q'],
};

/** The index of a sort order, with all credentials of the kind. */
const wholeIndex = (sort: CredentialSort): IndexScan => ({
  sort,
  within: (credentials) => credentials,
  covers: COVERED_BY_WHOLE_INDEX[sort] ?? [],
  implies: [],
});

/** Returns the index with which a list is read in its sort order. */
function indexInOrder({ filter, sort, now }: CredentialListRequest, indexes: readonly IndexScan[]): IndexScan {
  const index = indexes.find((candidate) => candidate.sort === sort) ?? wholeIndex(sort);
  if (filter.status !== 'active' || index.sort !== 'expiresAt') return index;
  // Otherwise the scan would begin with all expired credentials.
  return { ...index, within: (credentials) => index.within(credentials).where(SORT_EXPRESSIONS.expiresAt, '>', now) };
}

/** Returns the names of the fields that a filter compares; `status` with its value. */
function comparisonsOf(filter: CredentialFilter): string[] {
  return Object.entries(filter).flatMap(([field, value]) => {
    if (field === 'kind' || value === undefined || value === '') return [];
    return field === 'status' ? `status=${value}` : field;
  });
}

/** Returns an index for each part of a filter that has one. Each contains all matches, and perhaps others. */
function indexesFor(filter: CredentialFilter, now: number): IndexScan[] {
  const { status, createdBy, unusedSince, expiresBy, neverExpires, violatesPolicy, origin } = filter;
  const indexes: IndexScan[] = [];
  const expiry = SORT_EXPRESSIONS.expiresAt;
  const lastUse = SORT_EXPRESSIONS.lastUsedAt;
  if (status === 'expired' || expiresBy !== undefined || neverExpires !== undefined) {
    indexes.push({
      ...wholeIndex('expiresAt'),
      // A filter by status also compares whether a key is active.
      implies: ['expiresBy', 'neverExpires', ...(filter.kind === 'access_token' ? ['status=expired'] : [])],
      within: (credentials) => {
        let query = credentials;
        if (status === 'expired') query = query.where(expiry, '<=', now);
        if (expiresBy !== undefined) query = query.where(expiry, '>', now).where(expiry, '<=', expiresBy);
        if (neverExpires === undefined) return query;
        return query.where(expiry, neverExpires ? '>=' : '<', NEVER_EXPIRES);
      },
    });
  }
  if (createdBy !== undefined) {
    const within: IndexScan['within'] = (credentials) => credentials.where('credential.created_by', '=', createdBy);
    indexes.push({ sort: 'createdAt', within, covers: ['createdAt', 'createdBy'], implies: ['createdBy'] });
  }
  if (origin !== undefined && origin !== 'person') {
    const within: IndexScan['within'] = (credentials) =>
      credentials.where('credential.origin', '=', origin).where('credential.issued_by', 'is not', null);
    indexes.push({ sort: 'createdAt', within, covers: ['createdAt', 'origin'], implies: ['origin'] });
  }
  if (status === 'inactive') {
    const within: IndexScan['within'] = (credentials) => credentials.where(sql<boolean>`credential.active = 0`);
    indexes.push({ sort: 'createdAt', within, covers: ['createdAt', 'status=inactive'], implies: ['status=inactive'] });
  }
  if (status === 'spent') {
    const within: IndexScan['within'] = (credentials) => credentials.where('credential.max_uses', 'is not', null);
    indexes.push({ sort: 'createdAt', within, covers: ['createdAt'], implies: [] });
  }
  if (violatesPolicy === true) {
    const within: IndexScan['within'] = (credentials) => credentials.where(VIOLATES_POLICY);
    const covers = ['createdAt', 'violatesPolicy', 'expiresBy', 'neverExpires', 'status=expired'];
    indexes.push({ sort: 'createdAt', within, covers, implies: [] });
  }
  if (unusedSince !== undefined) {
    const within: IndexScan['within'] = (credentials) => credentials.where(lastUse, '<=', unusedSince);
    indexes.push({ ...wholeIndex('lastUsedAt'), within });
  }
  return indexes;
}

/** Selects the entries of an index, in its order. */
function entriesOf(
  db: Queryable,
  { workspaceId, filter, direction }: CredentialListRequest,
  index: IndexScan,
): CredentialSelection {
  const all = index.within(ofKind(db, workspaceId, filter.kind));
  // Entries with the same value are in order already, but SQLite would sort them again.
  const byValue = index.isOneValue === true ? all : all.orderBy(SORT_EXPRESSIONS[index.sort], direction);
  return byValue.orderBy('credential.id', direction);
}

/**
 * Selects the first `limit` entries of an index. Because of the limit, neither engine merges this into the outer query.
 */
function firstEntries(
  db: Queryable,
  request: CredentialListRequest,
  index: IndexScan,
  limit: number,
): CredentialSelection {
  const entries = entriesOf(db, request, index).selectAll('credential').limit(limit);
  return db.selectFrom(entries.as('credential')) as unknown as CredentialSelection;
}

/** Counts the rows of a query, at most `limit`. */
async function countOf(db: Queryable, credentials: CredentialSelection, limit: number): Promise<number> {
  const counted = credentials.select('credential.id').limit(limit);
  const { count } = await db
    .selectFrom(counted.as('counted'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Returns whether an index has at most `limit` entries. Skipping them takes half as long as counting them. */
async function hasAtMost(db: Queryable, request: CredentialListRequest, index: IndexScan, limit: number) {
  const next = entriesOf(db, request, index).select('credential.id').limit(1).offset(limit);
  return (await next.executeTakeFirst()) === undefined;
}

/** Reads the rows with these ids in the order of the list, in one statement with the query for the ids. */
function rowsOf(
  db: Queryable,
  { sort, direction }: CredentialListRequest,
  ids: SelectQueryBuilder<Schema, 'credential', { id: string }>,
): Promise<CredentialRow[]> {
  // Filters only by ID: with the workspace too, which the query for the ids compares, SQLite would read its whole
  // index.
  return selectWithDetails(db.selectFrom('credential').where('credential.id', 'in', ids))
    .orderBy(SORT_EXPRESSIONS[sort], direction)
    .orderBy('credential.id', direction)
    .execute();
}

/** Returns the entries of an index after a position, as scans to be read one after the other. */
function scansAfter(index: IndexScan, direction: 'asc' | 'desc', after: ListPosition | null): IndexScan[] {
  if (after === null) return [index];
  // One scan of equal values and one of later values, because SQLite uses no expression index for the combined
  // condition.
  const compare = direction === 'asc' ? '>' : '<';
  const value = SORT_EXPRESSIONS[index.sort];
  return [
    {
      ...index,
      isOneValue: true,
      within: (all) => index.within(all).where(value, '=', after.value).where('credential.id', compare, after.id),
    },
    { ...index, within: (all) => index.within(all).where(value, compare, after.value) },
  ];
}

/** Selects the ids of the first matches among the first `limit` entries of an index. */
function idsOfMatches(
  db: Queryable,
  request: CredentialListRequest,
  index: IndexScan,
  limit: number,
  maxMatches: number,
): SelectQueryBuilder<Schema, 'credential', { id: string }> {
  const { filter, sort, direction, now } = request;
  return whereMatching(firstEntries(db, request, index, limit), filter, now)
    .select('credential.id')
    .orderBy(SORT_EXPRESSIONS[sort], direction)
    .orderBy('credential.id', direction)
    .limit(maxMatches);
}

/**
 * Reads a page in the order of an index, up to one row more than its limit. Returns null if the first `limit` entries
 * contain too few matches and there are more entries.
 */
async function readInOrder(
  db: Queryable,
  request: CredentialListRequest,
  index: IndexScan,
  limit: number,
): Promise<CredentialRow[] | null> {
  const { direction, page } = request;
  const rows: CredentialRow[] = [];
  for (const scan of scansAfter(index, direction, page.after)) {
    const missing = page.limit + 1 - rows.length;
    // Usually a few entries contain enough matches. If they do not, all `limit` entries are read.
    for (const entries of new Set([Math.min(limit, missing * 4), limit])) {
      const found = await rowsOf(db, request, idsOfMatches(db, request, scan, entries, missing));
      const isComplete = found.length === missing || (await hasAtMost(db, request, scan, entries));
      if (isComplete) rows.push(...found);
      if (isComplete) break;
      if (entries === limit) return null;
    }
    if (rows.length > page.limit) return rows;
  }
  return rows;
}

/** Reads a page of the matches among the few entries of an index, up to one row more than its limit. */
function readSorted(
  db: Queryable,
  request: CredentialListRequest,
  index: IndexScan,
  limit: number,
): Promise<CredentialRow[]> {
  const { sort, direction, page } = request;
  const ids = idsOfMatches(db, request, index, limit, page.limit + 1);
  if (page.after === null) return rowsOf(db, request, ids);
  const { value, id } = page.after;
  const compare = sql.raw(direction === 'asc' ? '>' : '<');
  const sorted = SORT_EXPRESSIONS[sort];
  const isAfter = sql<boolean>`(${sorted} ${compare} ${value} or (${sorted} = ${value} and credential.id ${compare} ${id}))`;
  return rowsOf(db, request, ids.where(isAfter));
}

/**
 * Returns a page of credentials, up to one row more than its limit, and the number of matches on all pages: null if
 * there are more than 10,000, or if counting them would read more than `bounds`. Returns null if finding the page would
 * read more than `bounds`. The benchmark `filtered-pages` shows that a page takes about as long with 1,000,000
 * credentials as with 1,000.
 */
export async function listCredentials(
  db: Queryable,
  request: CredentialListRequest,
  bounds: ListBounds = LIST_BOUNDS,
): Promise<{ rows: CredentialRow[]; total: number | null } | null> {
  const { filter, sort, now } = request;
  const comparisons = comparisonsOf(filter);
  const countMatches = async (index: IndexScan, limit: number): Promise<number | null> => {
    const matches = whereMatching(firstEntries(db, request, index, limit), filter, now);
    const count = await countOf(db, matches, LIMITS.countedTotal + 1);
    return count > LIMITS.countedTotal ? null : count;
  };
  if (comparisons.length === 0) {
    const count = await countOf(db, entriesOf(db, request, wholeIndex('createdAt')), LIMITS.countedTotal + 1);
    const rows = (await readInOrder(db, request, wholeIndex(sort), request.page.limit + 1)) ?? [];
    return { rows, total: count > LIMITS.countedTotal ? null : count };
  }
  const limitOf = ({ covers }: IndexScan) =>
    [...comparisons, sort].every((name) => covers.includes(name)) ? bounds.entries : bounds.rows;
  const indexes = indexesFor(filter, now);
  let total: number | null = null;
  for (const index of indexes) {
    const limit = limitOf(index);
    const isExact = comparisons.every((comparison) => index.implies.includes(comparison));
    const maxCounted = isExact ? Math.max(limit, LIMITS.countedTotal) : limit;
    const entries = await countOf(db, entriesOf(db, request, index), maxCounted + 1);
    if (isExact && entries <= LIMITS.countedTotal) total = entries;
    if (entries > limit) continue;
    const rows = await readSorted(db, request, index, limit);
    return { rows, total: isExact ? total : await countMatches(index, limit) };
  }
  const inOrder = indexInOrder(request, indexes);
  const rows = await readInOrder(db, request, inOrder, limitOf(inOrder));
  if (rows !== null && total !== null) return { rows, total };
  const isSmall = await hasAtMost(db, request, wholeIndex('createdAt'), bounds.list);
  if (!isSmall) return rows && { rows, total };
  return {
    rows: rows ?? (await readInOrder(db, request, inOrder, bounds.list)) ?? [],
    total: total ?? (await countMatches(wholeIndex('createdAt'), bounds.list)),
  };
}
